import { CHANGED_COLUMNS, GROWING } from '../db/applicationRole.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { fault, type GuardFault } from './guardFault.ts'
import { type RowRightsGuard, rowRightsFaults } from './rowRightsFaults.ts'

export interface GuardOptions {
  /**
   * The user of this connection runs the program and must not be the owner, because the owner has a
   * URL of his own. Without it, one user for both is no fault.
   */
  isApplication?: boolean
  /** How the program sets up row rights, which are not of the migrations. */
  rowRights?: RowRightsGuard
}

const refusal = { function: 'refuse_change', events: 'DELETE OR UPDATE OR TRUNCATE' }
/** Triggers that the migrations create, by `table.name`. */
const TRIGGERS: ReadonlyMap<string, string> = new Map(
  ['audit', 'assertion', 'withdrawal', 'exception_work', 'exception_worked'].map((table) => {
    const name = `${table}_append_only`
    return [
      `${table}.${name}`,
      `CREATE TRIGGER ${name} BEFORE ${refusal.events} ON public.${table} FOR EACH STATEMENT EXECUTE FUNCTION public.${refusal.function}()`,
    ]
  }),
)
/** A trigger of row rights, which are set up for some installations. */
const TAGS = {
  at: 'change.row_tags',
  definition:
    'CREATE TRIGGER row_tags BEFORE INSERT OR UPDATE ON public.change FOR EACH ROW EXECUTE FUNCTION public.tag_change()',
}

/** A function as the migrations create it; only its kind, where they do not. */
interface FunctionFacts {
  language: string
  /** It runs with the rights of its owner. */
  isDefiner: boolean
  settings: string | null
  body: string
}

const FACT_NAMES = {
  language: 'language',
  isDefiner: 'SECURITY DEFINER',
  settings: 'SET',
  body: 'body',
} as const

const versionBefore = (condition: string) =>
  ` select version from change where golden_id = golden and ${condition} order by version desc limit 1 `
const FUNCTIONS: ReadonlyMap<string, FunctionFacts> = new Map([
  [
    'refuse_change()',
    {
      ...{ language: 'plpgsql', isDefiner: false, settings: null },
      body: `
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end `,
    },
  ],
  [
    'version_at(golden uuid, moment timestamp with time zone)',
    {
      ...{ language: 'sql', isDefiner: true, settings: 'search_path=public, pg_temp' },
      body: versionBefore('at <= moment'),
    },
  ],
  [
    'version_at_position(golden uuid, place bigint)',
    {
      ...{ language: 'sql', isDefiner: true, settings: 'search_path=public, pg_temp' },
      body: versionBefore('position <= place'),
    },
  ],
  [
    'analyze_table(name regclass)',
    {
      ...{ language: 'plpgsql', isDefiner: true, settings: 'search_path=pg_catalog, pg_temp' },
      body: ` begin
  if not exists (select from pg_class where oid = name and relnamespace = 'public'::regnamespace and relkind = 'r') then
    raise exception '% is no table of Touchstone', name using errcode = 'insufficient_privilege';
  end if;
  execute format('analyze %s', name);
end `,
    },
  ],
  [
    'golden_with_words(golden_type text, rules text, query text)',
    {
      ...{ language: 'plpgsql', isDefiner: true, settings: 'search_path=public, pg_temp' },
      body: ` begin
  if exists (select from search_fill f where f.type = golden_type and f.complete and f.layout = rules) then
    return query execute 'select t.golden_id from public.search_text t where t.words @@ $1::tsquery and t.type = $2'
      using query, golden_type;
  else
    return query select g.id from public.golden g where g.type = golden_type and g.state = 'ACTIVE';
  end if;
end `,
    },
  ],
])
const ROW_RIGHTS_SETTINGS = 'search_path=public, pg_temp'

/** Tables whose rows are only added, and the head of the audit log. */
const TABLES = [...GROWING, ...CHANGED_COLUMNS.keys()]
/** Roles of Postgres that can write any table or file of the server. */
const MIGHTY = [
  ...['pg_write_all_data', 'pg_write_server_files', 'pg_read_server_files'],
  ...['pg_execute_server_program', 'pg_maintain'],
]
const CHANGES = ['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']

/**
 * Compares what protects the history in the database with what the migrations create: triggers,
 * functions, tables, rights and settings. The owner of the database can change them, and the log
 * alone does not show it. Reads the catalog only.
 */
export async function findGuardFaults(
  sql: Sql | Transaction,
  options: GuardOptions = {},
): Promise<GuardFault[]> {
  return [
    ...(await tableFaults(sql)),
    ...(await triggerFaults(sql)),
    ...(await functionFaults(sql, options)),
    ...(await rightFaults(sql)),
    ...(await roleFaults(sql, options)),
    ...(await rowRightsFaults(sql, options.rowRights)),
    ...(await settingFaults(sql)),
  ]
}

async function tableFaults(sql: Sql | Transaction): Promise<GuardFault[]> {
  const rows = await sql<
    {
      name: string
      kind: string | null
      isLogged: boolean
      isNamed: boolean
      owner: string
      expectedOwner: string
      heirs: string[]
      rules: string[]
    }[]
  >`
    select t.name, c.relkind as kind, c.relpersistence = 'p' as "isLogged",
      to_regclass(quote_ident(t.name)) = c.oid as "isNamed", pg_get_userbyid(c.relowner) as owner,
      (select pg_get_userbyid(m.relowner) from pg_class m where m.oid = to_regclass('public.migration')) as "expectedOwner",
      array(select i.inhrelid::regclass::text from pg_inherits i where i.inhparent = c.oid) as heirs,
      array(select r.rulename::text from pg_rewrite r where r.ev_class = c.oid and c.relkind = 'r') as rules
    from unnest(${TABLES}::text[]) as t (name) left join pg_class c on c.oid = to_regclass('public.' || quote_ident(t.name))
    order by t.name`
  return rows.flatMap((t) => {
    const at = `the table ${t.name}`
    if (t.kind === null) return [fault(at, 'it is gone')]
    if (t.kind !== 'r') return [fault(at, 'it is no ordinary table')]
    return [
      ...(t.isLogged ? [] : [fault(at, 'it is unlogged: a crash of the server empties it')]),
      ...(t.isNamed ? [] : [fault(at, 'its name leads elsewhere, because of search_path')]),
      ...(t.owner === t.expectedOwner
        ? []
        : [fault(at, `its owner is ${t.owner}, and that of the other tables ${t.expectedOwner}`)]),
      ...t.heirs.map((h) => fault(at, `the table ${h} adds its own rows to it (INHERITS)`)),
      ...t.rules.map((r) => fault(at, `the rule ${r} rewrites its statements`)),
    ]
  })
}

async function triggerFaults(sql: Sql | Transaction): Promise<GuardFault[]> {
  const rows = await sql<
    { table: string; name: string; enabled: string; isInternal: boolean; definition: string }[]
  >`
    select c.relname as table, t.tgname as name, t.tgenabled as enabled, t.tgisinternal as "isInternal",
      -- a function that the search path does not find has its schema in the text already
      replace(pg_get_triggerdef(t.oid), ' FUNCTION ' || p.proname || '(',
        ' FUNCTION ' || p.pronamespace::regnamespace || '.' || p.proname || '(') as definition
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
    where c.relnamespace = 'public'::regnamespace and c.relname = any(${TABLES}::text[])
    order by c.relname, t.tgname`
  const found = new Map(rows.map((r) => [`${r.table}.${r.name}`, r]))
  const faults: GuardFault[] = []
  for (const at of TRIGGERS.keys())
    if (!found.has(at)) faults.push(fault(named(at), 'it is gone: changes are not refused'))
  for (const [at, { enabled, isInternal, definition }] of found) {
    const expected = at === TAGS.at ? TAGS.definition : TRIGGERS.get(at)
    if (enabled === 'D' || enabled === 'R')
      faults.push(fault(named(at), isInternal ? 'a foreign key is not checked' : 'it is disabled'))
    if (isInternal) continue
    if (expected === undefined)
      faults.push(fault(named(at), `it is no trigger of Touchstone: ${definition}`))
    else if (definition !== expected)
      faults.push(fault(named(at), `its definition is ${definition}, and must be ${expected}`))
  }
  return faults
}

function named(at: string): string {
  const [table, name] = at.split('.')
  return `the trigger ${name} on ${table}`
}

async function functionFaults(
  sql: Sql | Transaction,
  { rowRights }: GuardOptions,
): Promise<GuardFault[]> {
  const rows = await sql<
    (FunctionFacts & { schema: string; name: string; signature: string; owner: string })[]
  >`
    select n.nspname as schema, p.proname as name, l.lanname as language, p.prosecdef as "isDefiner",
      p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as signature,
      array_to_string(p.proconfig, '; ') as settings, p.prosrc as body, pg_get_userbyid(p.proowner) as owner
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    where n.nspname not in ('pg_catalog', 'information_schema')
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
      and (p.prosecdef and pg_has_role(p.proowner, (select relowner from pg_class where oid = to_regclass('public.audit')), 'MEMBER')
        or n.nspname = 'public' and p.proname in (${refusal.function}, 'tag_change', 'tag_golden'))
    order by n.nspname, p.proname`
  const faults: GuardFault[] = []
  const found = new Set<string>()
  for (const f of rows) {
    const guard = `the function ${f.schema}.${f.signature}`
    const expected = f.schema === 'public' ? FUNCTIONS.get(f.signature) : undefined
    if (expected) found.add(f.signature)
    const isKnown = f.schema === 'public' && rowRights?.isKnownFunction(f.name, f.body) === true
    if (expected) {
      for (const fact of ['language', 'isDefiner', 'settings', 'body'] as const)
        if (f[fact] !== expected[fact])
          faults.push(fault(guard, `its ${FACT_NAMES[fact]} differs from that of the migrations`))
    } else if (!isKnown)
      faults.push(
        fault(
          guard,
          f.isDefiner
            ? `it runs with the rights of ${f.owner}, and is not as Touchstone creates it`
            : 'its body is not as Touchstone creates it',
        ),
      )
    else if (f.isDefiner && f.settings !== ROW_RIGHTS_SETTINGS)
      faults.push(fault(guard, `its settings are ${f.settings}, not ${ROW_RIGHTS_SETTINGS}`))
  }
  for (const signature of FUNCTIONS.keys())
    if (!found.has(signature)) faults.push(fault(`the function public.${signature}`, 'it is gone'))
  return faults
}

/** Rights to change history that somebody besides the owner of a table was given. */
async function rightFaults(sql: Sql | Transaction): Promise<GuardFault[]> {
  const rows = await sql<{ table: string; column: string | null; right: string; role: string }[]>`
    with granted as (
      select c.oid, c.relname, c.relowner, null::name as attname, g.grantee, g.privilege_type
        from pg_class c, aclexplode(c.relacl) g
      union all
      select c.oid, c.relname, c.relowner, a.attname, g.grantee, g.privilege_type
        from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped, aclexplode(a.attacl) g)
    select relname as table, attname as column, privilege_type as right,
      case grantee when 0 then 'everybody' else pg_get_userbyid(grantee) end as role
    from granted
    where oid = any(select to_regclass('public.' || quote_ident(t)) from unnest(${TABLES}::text[]) t)
      and grantee <> relowner and privilege_type = any(${CHANGES}::text[])
    order by relname, attname, privilege_type`
  return rows
    .filter((r) => !(r.right === 'UPDATE' && r.column !== null && isChanged(r.table, r.column)))
    .map(({ table, column, right, role }) =>
      fault(
        `the table ${table}`,
        `${role} may ${right}${column === null ? '' : ` its column ${column}`}`,
      ),
    )
}

function isChanged(table: string, column: string): boolean {
  return CHANGED_COLUMNS.get(table)?.includes(column) === true
}

/**
 * The user of the program is known by its right to add rows to tables of another user. It must not
 * be able to act as their owner, or beyond.
 */
async function roleFaults(
  sql: Sql | Transaction,
  { isApplication = false }: GuardOptions,
): Promise<GuardFault[]> {
  const rows = await sql<
    { role: string; isSuperuser: boolean; powers: string[]; memberOf: string[] }[]
  >`
    with application as (
      select distinct g.grantee as oid from pg_class c, aclexplode(c.relacl) g
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and g.privilege_type = 'INSERT'
          and g.grantee not in (0, c.relowner)
      union select r.oid from pg_roles r where ${isApplication} and r.rolname = current_user),
    owner as (select distinct c.relowner as oid from pg_class c
      where c.oid = any(select to_regclass('public.' || quote_ident(t)) from unnest(${[...TABLES, 'migration']}::text[]) t))
    select r.rolname as role, r.rolsuper as "isSuperuser",
      array_remove(array[
        case when r.rolbypassrls then 'BYPASSRLS' end, case when r.rolreplication then 'REPLICATION' end,
        case when r.rolcreaterole and current_setting('server_version_num')::int < 160000 then 'CREATEROLE' end,
        case when has_parameter_privilege(r.oid, 'session_replication_role', 'SET') then 'SET session_replication_role' end
      ], null) as powers,
      array(select m.rolname::text from pg_roles m where (m.oid in (select oid from owner) or m.rolname = any(${MIGHTY}::text[]))
        and pg_has_role(r.oid, m.oid, 'MEMBER')) as "memberOf"
    from pg_roles r where r.oid in (select oid from application) order by r.rolname`
  return rows.flatMap(({ role, isSuperuser, powers, memberOf }) => {
    const guard = `the user ${role} of the program`
    if (isSuperuser) return [fault(guard, 'it is a superuser')]
    return [
      ...powers.map((p) => fault(guard, `it has ${p}`)),
      ...memberOf.map((m) =>
        fault(guard, m === role ? 'it owns tables of the history' : `it can act as ${m}`),
      ),
    ]
  })
}

async function settingFaults(sql: Sql | Transaction): Promise<GuardFault[]> {
  const settings = await sql<{ who: string; setting: string }[]>`
    select 'this session' as who, 'session_replication_role=' || s as setting
      from current_setting('session_replication_role') s where s <> 'origin'
    union all
    select case s.setrole when 0 then 'everybody' else pg_get_userbyid(s.setrole) end, c
      from pg_db_role_setting s, unnest(s.setconfig) c
      where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and c like 'session_replication_role=%' and c <> 'session_replication_role=origin'`
  const subscriptions = await sql<{ name: string }[]>`
    select subname as name from pg_subscription
    where subdbid = (select oid from pg_database where datname = current_database()) order by subname`
  const eventTriggers = await sql<{ name: string; event: string; function: string }[]>`
    select e.evtname as name, e.evtevent as event, e.evtfoid::regproc::text as function from pg_event_trigger e
    where e.evtenabled <> 'D' and not exists (
      select from pg_depend d where d.classid = 'pg_event_trigger'::regclass and d.objid = e.oid and d.deptype = 'e')
    order by e.evtname`
  return [
    ...settings.map(({ who, setting }) =>
      fault(`the setting ${setting}`, `it turns triggers off for ${who}`),
    ),
    ...subscriptions.map(({ name }) =>
      fault(`the subscription ${name}`, 'it writes tables of this database without their triggers'),
    ),
    ...eventTriggers.map(({ name, event, function: called }) => ({
      guard: `the event trigger ${name}`,
      detail: `it is no part of Touchstone, and runs ${called} at ${event}`,
      isNote: true,
    })),
  ]
}
