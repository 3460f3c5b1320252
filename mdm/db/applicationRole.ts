import type { Sql, Transaction } from './database.ts'

const PRIVILEGES = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']
const EVERYTHING = ['select', 'insert', 'update', 'delete']

/**
 * Tables in which the application's role may do less than everything (I2): history and assertions
 * only grow, and what migrations and set-up write is read.
 */
export const GROWING = [
  'assertion',
  'withdrawal',
  'audit',
  'change',
  'inbox',
  'policy',
  'policy_check',
  'match_model',
  'match_label',
  'exception_work',
  'exception_worked',
]
const READ = ['migration', 'row_rights', 'name_order']
/**
 * Columns of which it may change some: the log goes on, and its id and its beginning stay. Only the
 * owner lets entries expire.
 */
export const CHANGED_COLUMNS: ReadonlyMap<string, readonly string[]> = new Map([
  ['audit_head', ['hash', 'id', 'keys']],
])

/** The user of a connection, and whether it owns the tables or is bound by nothing. */
export interface DatabaseRole {
  name: string
  owns: boolean
  superuser: boolean
}

/** Returns the user of a connection. Without tables, it owns them if it may create them. */
export async function databaseRole(sql: Sql | Transaction): Promise<DatabaseRole> {
  const [row] = await sql<DatabaseRole[]>`
    select current_user as name, r.rolsuper as superuser,
      coalesce((select pg_has_role(c.relowner, 'USAGE') from pg_class c where c.oid = to_regclass('public.migration')),
        has_schema_privilege('public', 'CREATE')) as owns
    from pg_roles r where r.rolname = current_user`
  if (!row) throw new Error('the database does not know its own user')
  return row
}

/**
 * Gives a role what the running program needs, and takes everything else from it: no table is its
 * own, so it can neither change the schema nor empty the history. Called by the owner after each
 * migration, so that new tables are covered. Changes nothing that is right already.
 */
export async function grantApplication(owner: Sql, role: string): Promise<void> {
  await owner.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('touchstone application role'))`
    const name = identifier(role)
    const tables = await tx<{ name: string; kind: string; has: string[]; columns: string[] }[]>`
      select c.relname as name, c.relkind as kind, array(select p from unnest(${PRIVILEGES}::text[]) p
          where has_table_privilege(${role}, c.oid, p)) as has,
        array(select lower(g.privilege_type) || ' ' || a.attname
          from pg_attribute a, aclexplode(a.attacl) g where a.attrelid = c.oid and not a.attisdropped
            and g.grantee in (0, (select r.oid from pg_roles r where r.rolname = ${role}))) as columns
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')`
    for (const { name: table, kind, has, columns } of tables) {
      const wanted = kind === 'v' || kind === 'm' ? ['select'] : rightsOn(table)
      const changed = CHANGED_COLUMNS.get(table) ?? []
      if (
        isSameSet(has, wanted) &&
        isSameSet(
          columns,
          changed.map((c) => `update ${c}`),
        )
      )
        continue
      const on = identifier(table)
      // Rights of everybody are rights of this role too. Rights on columns go with those on the
      // table.
      await tx.unsafe(`revoke all on public.${on} from ${name}, public`)
      await tx.unsafe(`grant ${wanted.join(', ')} on public.${on} to ${name}`)
      if (changed.length > 0)
        await tx.unsafe(`grant update (${changed.join(', ')}) on public.${on} to ${name}`)
    }
    const [missing] = await tx<{ sequences: boolean; functions: boolean; schema: boolean }[]>`
      select exists (select from pg_class c where c.relnamespace = 'public'::regnamespace
          and case when c.relkind = 'S' then not has_sequence_privilege(${role}, c.oid, 'USAGE') end) as sequences,
        exists (select from pg_proc p where p.pronamespace = 'public'::regnamespace
          and not has_function_privilege(${role}, p.oid, 'EXECUTE')) as functions,
        not has_schema_privilege(${role}, 'public', 'USAGE') as schema`
    if (missing?.schema) await tx.unsafe(`grant usage on schema public to ${name}`)
    if (missing?.sequences)
      await tx.unsafe(`grant usage, select on all sequences in schema public to ${name}`)
    if (missing?.functions)
      await tx.unsafe(`grant execute on all routines in schema public to ${name}`)
  })
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return String(a.toSorted()) === String(b.toSorted())
}

function rightsOn(table: string): string[] {
  if (READ.includes(table) || CHANGED_COLUMNS.has(table)) return ['select']
  return GROWING.includes(table) ? ['select', 'insert'] : EVERYTHING
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
