import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packagePath } from '../../../cli/config/packagePath.ts'
import { type Connection, connect } from '../../../cli/connect.ts'
import { startServer } from '../../../cli/embeddedPostgres/server.ts'
import { PlannerStatistics } from '../../../cli/server/plannerStatistics.ts'
import { grantApplication } from '../../../mdm/db/applicationRole.ts'
import { openConnection, openDatabase, type Sql } from '../../../mdm/db/database.ts'
import { migrate } from '../../../mdm/db/migrate.ts'

/**
 * The roles of an embedded database that an earlier version created, whose superuser owned it all.
 */
describe('the user of a running program', () => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-roles-'))
  let connection: Connection
  let owner: Sql
  before(async () => {
    const earlier = await startServer({ dir, durable: false, superuser: true })
    const admin = openConnection(earlier.url('postgres'))
    await admin.unsafe('create database touchstone')
    await admin.end()
    const sql = openDatabase(earlier.url('touchstone'), { connectionsMax: 1, name: 'test' })
    await migrate(sql, packagePath('migrations'))
    await sql`insert into inbox (source, message_id, object, format, body, correlation_id)
      values ('s', '1', 'o', 'row', '{}', gen_random_uuid())`
    await sql.unsafe(
      `create type mood as enum ('good'); create sequence counted; create view seen as select 1 as one`,
    )
    await sql.end()
    await earlier.stop()
    const config = {
      databaseUrl: undefined,
      databaseOwnerUrl: undefined,
      dataDir: dir,
      embeddedPort: undefined,
      databaseWaitSecondsMax: 5,
      auditKeys: undefined,
      auditKeyFile: undefined,
    }
    connection = await connect({ config, create: true, notify: () => {} })
    owner = openDatabase(connection.ownerUrl ?? '', { connectionsMax: 1, name: 'test' })
  })
  after(async () => {
    await owner?.end()
    await connection?.close()
    rmSync(dir, { recursive: true, force: true })
  })

  test('has no power, and the superuser cannot connect', async () => {
    const [me] = await connection.sql`
      select rolname, rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls as mighty,
        has_schema_privilege('public', 'CREATE') or has_database_privilege(current_database(), 'CREATE')
          or has_database_privilege(current_database(), 'TEMP') as creates,
        pg_has_role('pg_read_all_data', 'MEMBER') or pg_has_role('pg_read_server_files', 'MEMBER')
          or pg_has_role('pg_execute_server_program', 'MEMBER') or pg_has_role('touchstone_owner', 'MEMBER') as member
      from pg_roles where rolname = current_user`
    assert.deepEqual(me, {
      rolname: 'touchstone_app',
      mighty: false,
      creates: false,
      member: false,
    })
    const [it] = await owner`
      select rolname, rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls as mighty
      from pg_roles where rolname = current_user`
    assert.deepEqual(it, { rolname: 'touchstone_owner', mighty: false })
    const [superuser] = await owner`
      select string_agg(rolname, ',') as names, bool_or(rolcanlogin) as logs from pg_roles where rolsuper`
    assert.deepEqual(superuser, { names: 'touchstone', logs: false })
    for (const database of ['postgres', 'template1']) {
      const url = new URL(connection.url)
      url.pathname = `/${database}`
      const sql = openConnection(url.href)
      await assert.rejects(sql`select 1`, /permission denied for database/)
      await sql.end()
    }
  })

  test('owns nothing: what the superuser owned belongs to the owner', async () => {
    // Postgres gives the functions of a trusted extension (pg_trgm) to its superuser.
    const ofAnExtension = owner`select from pg_depend d where d.objid = o.oid and d.deptype = 'e'`
    const owners = await owner<{ owner: string; n: number }[]>`
      select owner::regrole::text as owner, count(*)::int as n from (
        select relowner from pg_class o where relnamespace = 'public'::regnamespace and not exists (${ofAnExtension})
        union all select proowner from pg_proc o where pronamespace = 'public'::regnamespace and not exists (${ofAnExtension})
        union all select collowner from pg_collation o where collnamespace = 'public'::regnamespace and not exists (${ofAnExtension})
        union all select typowner from pg_type o where typnamespace = 'public'::regnamespace and not exists (${ofAnExtension})
        union all select datdba from pg_database where datname = current_database()) o (owner) group by 1`
    assert.deepEqual(
      owners.map((o) => o.owner),
      ['touchstone_owner'],
    )
    const [kept] = await connection.sql`select count(*)::int as n from inbox`
    assert.deepEqual(kept, { n: 1 })
  })

  test('may use every table, sequence and function, and those of later migrations', async () => {
    await owner.unsafe(`create table later (id bigint generated always as identity, n int);
      create sequence later_numbers; create function later_number() returns int language sql as 'select 1'`)
    await grantApplication(owner, 'touchstone_app')
    await connection.sql`insert into later (n) values (later_number() + nextval('later_numbers')::int)`
    const idle = await connection.sql<{ name: string }[]>`
      select relname as name from pg_class c where relnamespace = 'public'::regnamespace and (
        case when relkind in ('r', 'p', 'v') then not has_table_privilege(c.oid, 'SELECT')
          when relkind = 'S' then not has_sequence_privilege(c.oid, 'USAGE') end)
      union all select proname from pg_proc p where pronamespace = 'public'::regnamespace
        and not has_function_privilege(p.oid, 'EXECUTE')`
    assert.deepEqual([...idle], [])
    await owner`drop table later`
    let failed: unknown = null
    const statistics = new PlannerStatistics(connection.sql, (e) => (failed = e))
    statistics.applied(5_000)
    await statistics.settled()
    assert.equal(failed, null)
    const [analyzed] =
      await owner`select reltuples::int as n from pg_class where oid = 'inbox'::regclass`
    assert.equal(analyzed?.n, 1)
  })

  const ATTACKS = [
    ...['change', 'inbox', 'audit', 'assertion', 'withdrawal', 'policy'].flatMap((table) => [
      `delete from ${table}`,
      `truncate ${table}`,
      `drop table ${table}`,
      `alter table ${table} disable trigger all`,
    ]),
    `update audit set hash = hash`,
    `update change set at = at`,
    `insert into migration (name, hash) values ('9999.sql', 'x')`,
    `update row_rights set tags = 'x'`,
    `create table mine (a int)`,
    `create temp table mine (a int)`,
    `create function mine() returns int language sql as 'select 1'`,
    `create schema mine`,
    `create extension plpython3u`,
    `create role mine superuser`,
    `alter role touchstone_app superuser`,
    `alter role touchstone_app bypassrls`,
    `alter role touchstone_owner password 'x'`,
    `alter role touchstone login password 'x'`,
    `set role touchstone`,
    `set role touchstone_owner`,
    `set session authorization touchstone_owner`,
    `set session_replication_role = replica`,
    `alter system set archive_command = 'id'`,
    `alter database touchstone set session_preload_libraries = 'x'`,
    `copy change to program 'id'`,
    `copy change from program 'id'`,
    `copy change to '/tmp/touchstone-attack'`,
    `copy change from '/etc/passwd'`,
    `select pg_read_file('/etc/passwd')`,
    `select pg_read_binary_file('PG_VERSION')`,
    `select pg_ls_dir('.')`,
    `select pg_stat_file('PG_VERSION')`,
    `select lo_import('/etc/passwd')`,
    `select lo_export(1, '/tmp/touchstone-attack')`,
    `load 'plpgsql'`,
    `select * from pg_authid`,
    `select * from pg_shadow`,
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'touchstone_owner'`,
    `select pg_reload_conf()`,
    `select pg_switch_wal()`,
    `select pg_create_physical_replication_slot('x')`,
    `create publication mine for all tables`,
    `create subscription mine connection 'dbname=x' publication p`,
    `create event trigger mine on ddl_command_end execute function refuse_change()`,
    `select analyze_table('pg_authid')`,
    `create policy mine on change using (true)`,
    `alter function version_at(uuid, timestamptz) security invoker`,
    `do language plpgsql $$ begin execute 'create table mine (a int)'; end $$`,
    `checkpoint`,
  ]
  test('may neither change the schema nor take anything away, nor reach beyond the database', async () => {
    const done: string[] = []
    for (const attack of ATTACKS) {
      const error = await connection.sql.unsafe(attack).then(
        () => null,
        (e: Error) => e,
      )
      const code = error && 'code' in error ? String(error.code) : ''
      if (code !== '42501' && code !== '0A000')
        done.push(`${attack}: ${error?.message ?? 'done'} (${code})`)
    }
    assert.deepEqual(done, [])
  })
})
