import { openConnection } from '../../mdm/db/database.ts'
import { newPassword, scramVerifier } from './passwords.ts'

/** The user that initdb creates. It opens connections while a server is set up, and for tests. */
export const SUPERUSER = 'touchstone'
/** Owns the database and its tables, and applies migrations. */
export const OWNER = 'touchstone_owner'
/** The user of the running program: it owns nothing and changes no schema. */
export const APPLICATION = 'touchstone_app'
/** The user for reads under row rights, whose rights the owner sets up. Nobody connects as it. */
const READER = 'touchstone_reader'
export const DATABASE = 'touchstone'

const WITHOUT_POWER = 'nosuperuser nocreatedb nocreaterole noreplication nobypassrls'

/** Passwords by role: of all that may connect. */
export type Passwords = ReadonlyMap<string, string>

/** Returns new passwords of the roles that may connect once the server is set up. */
export function newPasswords(): Passwords {
  return new Map([OWNER, APPLICATION].map((role) => [role, newPassword()]))
}

/**
 * Returns statements, one a line, that create the roles or correct them and set their passwords.
 * They run before the server listens, so no connection ever meets an old password.
 */
export function rolesSql(passwords: Passwords): string {
  return [OWNER, APPLICATION, READER, SUPERUSER]
    .flatMap((role) => {
      const password = passwords.get(role)
      const login =
        password === undefined ? 'nologin' : `login password '${scramVerifier(password)}'`
      if (role === SUPERUSER) return [`alter role ${role} ${login}`]
      return [
        `do $$ begin if not exists (select from pg_roles where rolname = '${role}') then create role ${role}; end if; end $$`,
        `alter role ${role} ${WITHOUT_POWER} ${login}`,
      ]
    })
    .concat(`grant ${READER} to ${APPLICATION} with inherit false, set true`)
    .map((statement) => `${statement};\n`)
    .join('')
}

/**
 * Creates the database or corrects who owns it. Afterwards nobody can connect as superuser until
 * the next start. `urlOf` returns the superuser's URL of a database.
 */
export async function setUpDatabase(urlOf: (database: string) => string): Promise<void> {
  const server = openConnection(urlOf('postgres'))
  try {
    const found = await server`select from pg_database where datname = ${DATABASE}`
    if (found.length === 0) await server.unsafe(`create database ${DATABASE} owner ${OWNER}`)
    else await takeOver(urlOf(DATABASE))
    for (const name of ['postgres', 'template1', DATABASE])
      await server.unsafe(`revoke all on database ${name} from public`)
    await server.unsafe(`grant connect on database ${DATABASE} to ${APPLICATION}`)
    await server.unsafe(`alter role ${SUPERUSER} nologin password null`)
  } finally {
    await server.end({ timeout: 5 })
  }
}

/** Makes the owner the owner of everything in the database: earlier versions used the superuser. */
async function takeOver(url: string): Promise<void> {
  const sql = openConnection(url)
  try {
    await sql.unsafe(`alter database ${DATABASE} owner to ${OWNER}`)
    await sql.unsafe(`do $$
      declare
        owner oid := '${OWNER}'::regrole;
        command text;
      begin
        for command in
          -- indexes and the sequences of columns follow their tables
          select format('alter %s %s owner to ${OWNER}',
              case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
              c.oid::regclass)
            from pg_class c where c.relnamespace = 'public'::regnamespace and c.relowner <> owner
              and c.relkind in ('r', 'p', 'v', 'm', 'S') and not exists (
                select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
                  and c.relkind = 'S')
          union all select format('alter routine %s owner to ${OWNER}', p.oid::regprocedure)
            from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proowner <> owner
          union all select format('alter collation %s owner to ${OWNER}', c.oid::regcollation)
            from pg_collation c where c.collnamespace = 'public'::regnamespace and c.collowner <> owner
          union all select format('alter type %s owner to ${OWNER}', t.oid::regtype)
            from pg_type t where t.typnamespace = 'public'::regnamespace and t.typowner <> owner and t.typtype in ('e', 'd', 'r')
        loop execute command; end loop;
      end $$`)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
