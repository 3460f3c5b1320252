import type { Sql, Transaction } from '../db/database.ts'
import { fault, type GuardFault } from './guardFault.ts'

/** How the program sets up row rights, for a comparison with the catalog. */
export interface RowRightsGuard {
  /** The role of Postgres that reads under row rights. */
  role: string
  /** Relations that it may read, and of these the tables whose rows are checked. */
  readable: readonly string[]
  secured: readonly string[]
  /** Returns whether a function that is not of the migrations has the body of the program. */
  isKnownFunction(name: string, body: string): boolean
  /** Returns whether a view, or the policy for readers of a table, has the text of the program. */
  isKnownText(relation: string, text: string): boolean
}

const POLICY_NAMES = ['row_rights', 'application']
const shownCharsMax = 300

/**
 * Row rights hold where row security is on, by the policies and views of the program. Without
 * `guard` their texts are not compared.
 */
export async function rowRightsFaults(
  sql: Sql | Transaction,
  guard: RowRightsGuard | undefined,
): Promise<GuardFault[]> {
  const tables = await sql<{ name: string; isOn: boolean; isSecured: boolean; isRead: boolean }[]>`
    select c.relname as name, c.relrowsecurity as "isOn",
      exists (select from pg_policy p where p.polrelid = c.oid) as "isSecured",
      exists (select from aclexplode(c.relacl) g join pg_roles r on r.oid = g.grantee
        where r.rolname = ${guard?.role ?? null} and g.privilege_type = 'SELECT') as "isRead"
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = any('{r,p,v,m,f}') order by c.relname`
  const faults: GuardFault[] = []
  for (const { name, isOn, isSecured, isRead } of tables) {
    if (!isOn && (isSecured || (isRead && guard?.secured.includes(name))))
      faults.push(fault(`the table ${name}`, 'row security is off, and the table has row rights'))
    if (isRead && guard && !guard.readable.includes(name))
      faults.push(fault(`the table ${name}`, `${guard.role} may read it, beyond row rights`))
  }
  return [...faults, ...(await policyFaults(sql, guard)), ...(await viewFaults(sql, guard))]
}

async function policyFaults(
  sql: Sql | Transaction,
  guard: RowRightsGuard | undefined,
): Promise<GuardFault[]> {
  const policies = await sql<
    {
      table: string
      name: string
      command: string
      isPermissive: boolean
      roles: string[]
      shown: string | null
      written: string | null
    }[]
  >`
    select c.relname as table, p.polname as name, p.polcmd as command, p.polpermissive as "isPermissive",
      array(select case r when 0 then 'everybody' else pg_get_userbyid(r)::text end from unnest(p.polroles) r) as roles,
      pg_get_expr(p.polqual, p.polrelid) as shown, pg_get_expr(p.polwithcheck, p.polrelid) as written
    from pg_policy p join pg_class c on c.oid = p.polrelid
    where c.relnamespace = 'public'::regnamespace order by c.relname, p.polname`
  return policies.flatMap(({ table, name, command, isPermissive, roles, shown, written }) => {
    const at = `the table ${table}`
    if (!POLICY_NAMES.includes(name)) return [fault(at, `the policy ${name} is not of Touchstone`)]
    const isProgram = name === 'application'
    if (!isProgram && shown === 'true') return [fault(at, 'its row rights show every row')]
    if (!guard) return []
    const text = oneLine(shown)
    const isRight = isProgram
      ? command === '*' && shown === 'true' && written === 'true' && !roles.includes(guard.role)
      : command === 'r' && written === null && guard.isKnownText(table, text)
    const isOfRole = isProgram ? !roles.includes('everybody') : roles.join() === guard.role
    if (isRight && isPermissive && isOfRole) return []
    return [
      fault(
        at,
        `its policy ${name} is not as Touchstone creates it: to ${roles.join(', ')} using ${text.slice(0, shownCharsMax)}`,
      ),
    ]
  })
}

/** Views through which policies look further. */
async function viewFaults(
  sql: Sql | Transaction,
  guard: RowRightsGuard | undefined,
): Promise<GuardFault[]> {
  if (!guard) return []
  const views = await sql<{ name: string; options: string | null; text: string }[]>`
    select relname as name, array_to_string(reloptions, ', ') as options, pg_get_viewdef(oid) as text from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'v' and relname = any(${guard.readable as string[]}::text[])
    order by relname`
  return views
    .filter(
      (v) => v.options !== 'security_barrier=true' || !guard.isKnownText(v.name, oneLine(v.text)),
    )
    .map((v) =>
      fault(
        `the view ${v.name}`,
        `it is not as Touchstone creates it: ${v.options}, ${oneLine(v.text).slice(0, shownCharsMax)}`,
      ),
    )
}

/** Returns an expression in one line, without the schema that a search path may need. */
function oneLine(text: string | null): string {
  return (text ?? '').replaceAll(/\s+/g, ' ').replaceAll('public.', '').trim()
}
