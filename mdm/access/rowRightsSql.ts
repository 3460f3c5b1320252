import { createHash } from 'node:crypto'
import { ownValue } from '../../schema/kit/dictionary.ts'
import {
  hasLegalEntity,
  OPERATIONAL_TYPES,
  type OperationalType,
  ownerOf,
  tableOf,
} from '../../schema/operational.ts'
import type { Policy, RowPolicy } from '../../schema/policy.ts'
import { identifier } from '../db/applicationRole.ts'

/** Marks a row that everyone may see, and a caller without a limit in one of the two respects. */
export const EVERYONE = '*'
export const UNBOUND = '**'
/** Stands for the missing region or legal entity of a row. */
export const NONE = 'NONE'

/** Settings of a reading connection, fixed when it opens, as Postgres array literals. */
export const PLACES_SETTING = 'touchstone.places'
export const ENTITIES_SETTING = 'touchstone.entities'

const places = `(select nullif(current_setting('${PLACES_SETTING}', true), '')::text[])::text[]`
const entities = `(select nullif(current_setting('${ENTITIES_SETTING}', true), '')::text[])::text[]`

/**
 * SQL condition: the values in a row of golden or change are among the caller's. A missing setting
 * gives false.
 */
const ownValues = (
  row: string,
) => `(${row}.row_place = any (${places}) or '${UNBOUND}' = any (${places}))
  and (${row}.row_entities && ${entities} or '${UNBOUND}' = any (${entities}))`

const throughParent = (row: string) => `case when ${row}.row_parent is null then ${ownValues(row)}
  else exists (select 1 from seen_record s where s.key = ${row}.row_parent) end`

/** SQL condition: the caller may see the source record with this key. */
const recordSeen = (key: string) => `exists (select 1 from source_record r where r.key = ${key})`
const allSeen = (keys: string) =>
  `${keys} <> '{}' and not exists (select 1 from unnest(${keys}) x where not ${recordSeen('x')})`

/**
 * SQL condition: an operational object is visible with its owner, mostly the customer; one of a
 * legal entity also needs that.
 */
function operationalSeen(type: OperationalType, row: string): string {
  const own = hasLegalEntity(type)
    ? ` and (${row}.legal_entity is null or ${row}.legal_entity = any (${entities}) or '${UNBOUND}' = any (${entities}))`
    : ''
  return `exists (select 1 from seen_record s where s.key = ${row}.${ownerOf(type)})${own}`
}

/**
 * The source record of an operational object is visible with that object. It is a function because
 * its tables, as part of the policy, would be planned for every read of any source record.
 */
const sourceOfOperational = `create or replace function sees_operational(record bigint, kind text) returns boolean
  language plpgsql stable security definer set search_path = public, pg_temp as $$
  declare
    p text[] := nullif(current_setting('${PLACES_SETTING}', true), '')::text[];
    e text[] := nullif(current_setting('${ENTITIES_SETTING}', true), '')::text[];
    owner uuid;
    entity text;
  begin
    case kind
    ${OPERATIONAL_TYPES.map(
      (
        t,
      ) => `when '${t}' then select o.${ownerOf(t)}${hasLegalEntity(t) ? ', o.legal_entity into owner, entity' : ' into owner'}
        from public.${tableOf(t)} o where o.record_id = record;`,
    ).join('\n    ')}
    else return false;
    end case;
    return owner is not null and (entity is null or entity = any (e) or '${UNBOUND}' = any (e)) and exists (
      select 1 from public.source_record r join public.golden g on g.id = r.golden_id
      where r.key = owner and g.row_parent is null and (g.row_place = any (p) or '${UNBOUND}' = any (p))
        and (g.row_entities && e or '${UNBOUND}' = any (e)));
  end $$;`

/**
 * Conditions by table for readers under the role. A table of READABLE that is missing here shows no
 * rows.
 */
const POLICIES: Record<string, string> = {
  golden: throughParent('golden'),
  // An operational object is visible with its owner, in row_parent, and with its legal entity.
  change: `${throughParent('change')} and (row_parent is null or row_entities is null
    or row_entities && ${entities} or '${UNBOUND}' = any (${entities}))`,
  source_record: `case when golden_id is null then sees_operational(id, type)
    else exists (select 1 from seen_golden g where g.id = source_record.golden_id) end`,
  ...Object.fromEntries(OPERATIONAL_TYPES.map((t) => [tableOf(t), operationalSeen(t, tableOf(t))])),
  link: 'exists (select 1 from source_record r where r.id = link.a) and exists (select 1 from source_record r where r.id = link.b)',
  match_key: 'exists (select 1 from source_record r where r.id = match_key.record_id)',
  record_reference:
    'exists (select 1 from source_record r where r.id = record_reference.record_id)',
  possible_match: `${recordSeen('possible_match.a')} and ${recordSeen('possible_match.b')}`,
  match_label: `${recordSeen('match_label.a')} and ${recordSeen('match_label.b')}`,
  action: allSeen('action.subjects'),
  assertion: `${recordSeen('assertion.a')} and (b is null or ${recordSeen('assertion.b')})`,
  standing: `${recordSeen('standing.a')} and (b is null or ${recordSeen('standing.b')})`,
  withdrawal: 'exists (select 1 from assertion a where a.id = withdrawal.assertion_id)',
  task: `subject <> '{}' and not exists (select 1 from unnest(subject) x
    where not ${recordSeen('x')} and not exists (select 1 from action a where a.id = x))`,
  hierarchy_ring: 'exists (select 1 from seen_golden g where g.id = hierarchy_ring.golden_id)',
  task_comment: 'exists (select 1 from task t where t.id = task_comment.task_id)',
  audit: `case when action_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then exists (select 1 from action a where a.id = audit.action_id::uuid) else false end`,
  sensitive_access: allSeen('sensitive_access.ids'),
  webhook_delivery: 'exists (select 1 from change c where c.position = webhook_delivery.position)',
}

/**
 * Tables that no golden record governs: messages and their outcomes, and trained models, which hold
 * frequent values of all records. Only unrestricted callers read them.
 */
const CLOSED = [
  'inbox',
  'match_model',
  'policy',
  'pending',
  'outcome',
  'exception_work',
  'exception_worked',
  'webhook',
  'webhook_parked',
]

/** Statistics and the program's own state. */
const OPEN = [
  'feed_head',
  'feed_epoch',
  'publication',
  'batch',
  'service_minute',
  'sink',
  'search_fill',
]

/** Tables of which a reader sees the rows that his rights allow. */
export const SECURED: readonly string[] = [...Object.keys(POLICIES), ...CLOSED]
const VIEWS = ['seen_record', 'seen_golden']
export const READABLE: readonly string[] = [...SECURED, ...OPEN, ...VIEWS]

/**
 * Returns the SQL that sets up the rights of the reading role for a model. The caller has checked
 * the role's name.
 */
export function rowRightsSql(
  policy: Policy,
  role: string,
  application: string | null = null,
): { tags: string; policies: string } {
  const views = [
    `create or replace view seen_record with (security_barrier) as
      select r.key, r.id from source_record r join golden g on g.id = r.golden_id
      where g.row_parent is null and ${ownValues('g')};`,
    `create or replace view seen_golden with (security_barrier) as select g.id from golden g where ${throughParent('g')};`,
    sourceOfOperational,
  ]
  return {
    tags: tagsSql(policy),
    policies: [
      ...views,
      ...referringSql(policy),
      ...Object.values(SEARCH),
      `grant usage on schema public to ${role};`,
      `grant select on ${READABLE.join(', ')} to ${role};`,
      ...SECURED.map((t) => `alter table ${t} enable row level security;`),
      ...Object.entries(POLICIES).map(
        ([t, seen]) => `drop policy if exists row_rights on ${t};
        create policy row_rights on ${t} for select to ${role} using (${seen});`,
      ),
      // Without a policy, a user that does not own the table would see nothing.
      ...SECURED.map((t) => `drop policy if exists application on ${t};`),
      ...(application === null
        ? []
        : [
            `grant select on ${VIEWS.join(', ')} to ${identifier(application)};`,
            ...SECURED.map(
              (t) =>
                `create policy application on ${t} to ${identifier(application)} using (true) with check (true);`,
            ),
          ]),
    ].join('\n'),
  }
}

/**
 * Functions that return the ids of golden records that refer to given source records, without a
 * check of rights. A list by a reference could not use its index otherwise: a jsonb expression is
 * not leakproof, so Postgres evaluates it after row security. The rows themselves still need the
 * caller's rights.
 */
function referringSql(policy: Policy): string[] {
  const fields = new Set(
    policy.types.flatMap((t) =>
      t.fields.filter((f) => f.kind === 'REFERENCE' && !f.list).map((f) => f.name),
    ),
  )
  return [...fields].map(referringFunction)
}

const referringFunction = (f: string) =>
  `create or replace function referring_${f.toLowerCase()}(keys uuid[]) returns setof uuid
      language plpgsql stable security definer set search_path = public, pg_temp rows 10 as $$ begin
        return query select g.id from public.golden g
          where g.values ->> '${f}' = any (keys::text[]) and g.state = 'ACTIVE' and g.values ? '${f}'; end $$;`

/**
 * Search for readers under row rights: the operators of its indexes are not leakproof, so the rows are
 * judged here, with the caller's settings, before they count. The words that resemble another one are
 * those of all rows; they only select candidates (mdm/search/candidates.ts).
 */
const SEARCH: Readonly<Record<string, string>> = {
  search_seen: `create or replace function search_seen(query text, scope_sets text[], types text[], most integer) returns setof uuid
      language plpgsql stable security definer set search_path = public, pg_temp rows 100 as $$ begin
        return query execute $q$select t.golden_id from public.search_text t join public.golden g on g.id = t.golden_id
          where t.words @@ $1::tsquery and t.scopes = any ($2) and t.type = any ($3) and g.state = 'ACTIVE'
            and (${throughParent('g')}) limit $4$q$ using query, scope_sets, types, most; end $$;`,
  search_source_ids_seen: `create or replace function search_source_ids_seen(lower_bound text, upper_bound text, types text[], most integer)
      returns setof uuid language plpgsql stable security definer set search_path = public, pg_temp rows 10 as $$ begin
        return query execute $q$select r.key from public.source_record r join public.golden g on g.id = r.golden_id
          where r.golden_id is not null and lower(r.source_id collate "C") >= $1 and lower(r.source_id collate "C") <= $2
            and r.type = any ($3) and g.state = 'ACTIVE' and (${throughParent('g')})
          order by lower(r.source_id collate "C"), r.key limit $4$q$ using lower_bound, upper_bound, types, most; end $$;`,
  search_similar_seen: `create or replace function search_similar_seen(scope_sets text[], part text, most integer) returns setof text
      language plpgsql stable security definer set search_path = public, pg_temp rows 50 as $$ begin
        return query select s from public.search_similar(scope_sets, part, most) s; end $$;`,
}

const tagChange = `create or replace function tag_change() returns trigger language plpgsql as $$ begin
  select t.place, t.entities, t.parent into new.row_place, new.row_entities, new.row_parent
  from row_tags(new.type, coalesce(new.values, new.before,
    (select c.values from change c where c.golden_id = new.golden_id and c.version < new.version and c.values is not null
      order by c.version desc limit 1),
    (select g.values from golden g where g.id = new.golden_id))) t;
  return new; end $$;`

const tagGolden = `create or replace function tag_golden() returns trigger language plpgsql as $$ begin
  select t.place, t.entities, t.parent into new.row_place, new.row_entities, new.row_parent from row_tags(new.type, new.values) t;
  return new; end $$;`

/**
 * Returns whether a function of the database has the body that row rights give it: those that run
 * with the rights of the owner, and those that tag golden records and history.
 */
export function isRowRightsFunction(name: string, body: string): boolean {
  if (name === 'sees_operational') return body === bodyOf(sourceOfOperational)
  const search = ownValue(SEARCH, name)
  if (search) return body === bodyOf(search)
  if (name === 'tag_change') return body === bodyOf(tagChange)
  if (name === 'tag_golden') return body === bodyOf(tagGolden)
  const [, field] = /values ->> '(\w+)'/.exec(body) ?? []
  return (
    field !== undefined &&
    name === `referring_${field.toLowerCase()}` &&
    body === bodyOf(referringFunction(field))
  )
}

function bodyOf(statement: string): string {
  return statement.slice(statement.indexOf('$$') + 2, statement.lastIndexOf('$$'))
}

/** Returns triggers that store the values by which each version is judged. */
function tagsSql(policy: Policy): string {
  const cases = policy.types.flatMap((t) =>
    t.rows ? [`when '${t.name}' then ${tagged(t.rows, listOf(policy, t.name))}`] : [],
  )
  const objects = OPERATIONAL_TYPES.map(
    (t) =>
      `when '${t}' then parent := (v ->> '${ownerOf(t)}')::uuid;${hasLegalEntity(t) ? " entities := case when v ->> 'legalEntity' is not null then array[v ->> 'legalEntity'] end;" : ''}`,
  )
  return `
create or replace function row_tags(type text, v jsonb, out place text, out entities text[], out parent uuid)
  language plpgsql immutable as $$ begin
  case type ${[...cases, ...objects].join('\n')} else null; end case; end $$;
${tagGolden}
-- A version without values, as of a merge or a deletion, is judged as the last that had some.
${tagChange}
create or replace trigger row_tags before insert or update on golden for each row execute function tag_golden();
create or replace trigger row_tags before insert or update on change for each row execute function tag_change();
`
}

function listOf(policy: Policy, type: string): (field: string) => boolean {
  return (field) => policy.type(type).fields.some((f) => f.name === field && f.list)
}

function tagged(rows: RowPolicy, isList: (field: string) => boolean): string {
  if (rows.by === 'EVERYONE') return `place := '${EVERYONE}'; entities := '{${EVERYONE}}';`
  if (rows.by === 'REFERENCE') return `parent := (v ->> '${rows.field}')::uuid;`
  // A value from a source system must not be one of the reserved values.
  const meant = (value: string) =>
    `nullif(nullif(nullif(${value}, ''), '${EVERYONE}'), '${UNBOUND}')`
  const place = rows.region
    ? `place := coalesce(${meant(`v #>> '{${rows.region.join(',')}}'`)}, '${NONE}');`
    : ''
  if (!rows.legalEntities) return place
  const field = rows.legalEntities
  const values = isList(field)
    ? `select x from jsonb_array_elements_text(case when jsonb_typeof(v -> '${field}') = 'array' then v -> '${field}' else '[]' end) x`
    : `select v ->> '${field}' as x`
  return `${place} entities := array(select x from (${values}) y where ${meant('x')} is not null);
    if entities = '{}' then entities := '{${NONE}}'; end if;`
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
