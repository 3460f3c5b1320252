import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Source } from 'graphql'
import { packagePath } from '../../cli/config/packagePath.ts'
import { readPolicyFiles } from '../../cli/config/policyFiles.ts'
import { connect, type DatabaseConfig } from '../../cli/connect.ts'
import { openRowReaders } from '../../mdm/access/rowReaders.ts'
import { missingRowRights, requireRowRights, setUpRowRights } from '../../mdm/access/rowRights.ts'
import { rowRightsGuard } from '../../mdm/access/rowRightsGuard.ts'
import { appendAudit } from '../../mdm/audit/audit.ts'
import { findGuardFaults } from '../../mdm/audit/guards.ts'
import { databaseRole } from '../../mdm/db/applicationRole.ts'
import { openConnection, openDatabase, type Sql } from '../../mdm/db/database.ts'
import { transaction } from '../../mdm/db/transaction.ts'
import { parsePolicy, readPolicy } from '../../schema/readPolicy.ts'
import { type TestDatabase, testDatabase } from '../database.ts'

/** The statements of docs/deployment.md, with names of this run. */
describe('an owner and a user of the program, as the documentation creates them', () => {
  const mark = randomBytes(4).toString('hex')
  const folder = mkdtempSync(join(tmpdir(), 'touchstone-two-'))
  const policy = readPolicy(packagePath('schema/model'))
  let server: TestDatabase
  let ownerUrl: string
  let applicationUrl: string
  const drops: string[] = []

  before(async () => {
    server = await testDatabase({ connectionsMax: 1, empty: true })
    const text = readFileSync(packagePath('docs/deployment.md'), 'utf8')
    const [, block = ''] = /```sql\n(create role touchstone_owner[^`]+)```/.exec(text) ?? []
    const named = block.replace(/touchstone(_owner|_app)?\b(?!_)/g, (name) => `${name}_${mark}`)
    for (const statement of named.split(';\n').filter(Boolean))
      await server.sql.unsafe(statement).catch((e: Error & { code?: string }) => {
        // Other tests have created the reader.
        if (!(e.code === '42710' && /touchstone_reader/.test(statement))) throw e
      })
    const at = (user: string, password: string) => {
      const url = new URL(server.url)
      url.username = `${user}_${mark}`
      url.password = password
      url.pathname = `/touchstone_${mark}`
      return url.href
    }
    ownerUrl = at('touchstone_owner', 'change-me-1')
    applicationUrl = at('touchstone_app', 'change-me-2')
    drops.push(`drop database if exists touchstone_${mark} with (force)`)
    for (const role of ['app', 'owner'])
      drops.push(`drop role if exists touchstone_${role}_${mark}`)
  })
  after(async () => {
    for (const statement of drops) await server.sql.unsafe(statement)
    await server.drop()
    rmSync(folder, { recursive: true })
  })

  const configOf = (databaseUrl: string, databaseOwnerUrl?: string): DatabaseConfig => ({
    ...{ databaseUrl, databaseOwnerUrl, dataDir: folder, embeddedPort: undefined },
    ...{ databaseWaitSecondsMax: 5, auditKeys: undefined, auditKeyFile: undefined },
  })
  async function open<T>(config: DatabaseConfig, work: (sql: Sql) => Promise<T>, asOwner = false) {
    const lines: string[] = []
    const notify = (line: string) => void lines.push(line)
    const { sql, close } = await connect({ config, create: true, notify, asOwner })
    try {
      return { result: await work(sql), lines }
    } finally {
      await close()
    }
  }

  test('the program alone refuses a database that the owner has not migrated', async () => {
    await assert.rejects(
      open(configOf(applicationUrl), async () => {}),
      /has no tables of Touchstone/,
    )
  })

  test('with both URLs the owner migrates, and the program can use everything and change nothing', async () => {
    const { result, lines } = await open(configOf(applicationUrl, ownerUrl), databaseRole)
    assert.deepEqual(result, { name: `touchstone_app_${mark}`, owns: false, superuser: false })
    assert.doesNotMatch(lines.join('\n'), /fewer rights/)
    await open(configOf(applicationUrl), async (sql) => {
      await sql`insert into inbox (source, message_id, object, format, body, correlation_id)
        values ('s', '1', 'o', 'row', '{}', gen_random_uuid())`
      await sql`select analyze_table('inbox'::regclass)`
      await transaction(sql, (tx) => appendAudit(tx, { event: 'TEST', actor: 'ada' }))
      assert.deepEqual(await findGuardFaults(sql, { isApplication: true }), [])
      for (const attack of [
        'delete from inbox',
        'truncate change',
        'drop table golden',
        'create table mine (a int)',
        'create temp table mine (a int)',
        `set role touchstone_owner_${mark}`,
        `select analyze_table('pg_authid'::regclass)`,
        'update audit_head set start_id = 1',
        'update audit_head set chain = gen_random_uuid()',
        'delete from audit_head',
      ])
        await assert.rejects(
          sql.unsafe(attack),
          /permission denied|must be owner|is no table/,
          attack,
        )
    })
  })

  test('the owner expires, where its URL is given', async () => {
    const both = configOf(applicationUrl, ownerUrl)
    const { result } = await open(both, databaseRole, true)
    assert.equal(result.name, `touchstone_owner_${mark}`)
  })

  test('rights that somebody added are found, and taken back by the next start of the owner', async () => {
    const app = `touchstone_app_${mark}`
    const owner = openConnection(ownerUrl)
    try {
      await owner.unsafe(`grant update (body) on audit to ${app}; grant delete on change to public;
        grant update (start_id), delete on audit_head to ${app}; grant truncate on assertion to ${app}`)
    } finally {
      await owner.end()
    }
    const faults = async (sql: Sql) =>
      (await findGuardFaults(sql, { isApplication: true })).map((f) => `${f.guard}: ${f.detail}`)
    const { result } = await open(configOf(applicationUrl), faults)
    assert.deepEqual(result.sort(), [
      `the table assertion: ${app} may TRUNCATE`,
      `the table audit: ${app} may UPDATE its column body`,
      `the table audit_head: ${app} may DELETE`,
      `the table audit_head: ${app} may UPDATE its column start_id`,
      'the table change: everybody may DELETE',
    ])
    assert.deepEqual((await open(configOf(applicationUrl, ownerUrl), faults)).result, [])
    await server.sql.unsafe(`grant touchstone_owner_${mark} to ${app}`)
    const member = await open(configOf(applicationUrl), faults)
    await server.sql.unsafe(`revoke touchstone_owner_${mark} from ${app}`)
    assert.deepEqual(member.result, [
      `the user ${app} of the program: it can act as touchstone_owner_${mark}`,
    ])
  })

  test('a database of an older version is refused with the remedy, and so is one without rights', async () => {
    const owner = openConnection(ownerUrl)
    try {
      const [last] =
        await owner`delete from migration where name = (select max(name) from migration) returning *`
      await assert.rejects(
        open(configOf(applicationUrl), async () => {}),
        new RegExp(`lacks ${last?.name}.*npx touchstone migrate`),
      )
      await owner`insert into migration ${owner(last as Record<string, unknown>)}`
      await owner.unsafe(`revoke all on migration from touchstone_app_${mark}`)
      await assert.rejects(
        open(configOf(applicationUrl), async () => {}),
        /user touchstone_app_\w+ may not .*DATABASE_OWNER_URL/,
      )
      await open(configOf(applicationUrl, ownerUrl), async () => {})
    } finally {
      await owner.end()
    }
  })

  test('one URL for both works, and says that less would do', async () => {
    const { result, lines } = await open(configOf(ownerUrl), databaseRole)
    assert.equal(result.owns, true)
    assert.match(
      lines.join('\n'),
      /user touchstone_owner_\w+ owns the tables: .*DATABASE_OWNER_URL/,
    )
  })

  test('row rights: the owner sets them up, the program sees every row, its readers theirs', async () => {
    const program = openDatabase(applicationUrl, { connectionsMax: 1, name: 'test' })
    const owner = openDatabase(ownerUrl, { connectionsMax: 1, name: 'test' })
    const readers = openRowReaders(applicationUrl, {
      regions: new Map([['eu', ['DE']]]),
      legalEntities: false,
    })
    try {
      await assert.rejects(requireRowRights(program, policy), /DATABASE_OWNER_URL/)
      await assert.rejects(setUpRowRights(program, policy), /does not own its tables/)
      await setUpRowRights(owner, policy, `touchstone_app_${mark}`)
      await requireRowRights(program, policy)
      assert.equal(await missingRowRights(program, policy), null)
      const { model } = readPolicyFiles('schema/model')
      const other = parsePolicy(
        Object.entries(model).map(
          ([name, text]) => new Source(text.replace('@rows(by: LEGAL_ENTITY)', ''), name),
        ),
      )
      assert.match(
        `${await missingRowRights(program, other)}`,
        /other @rows or references: .* with DATABASE_OWNER_URL, or run "npx touchstone migrate" with it.*does not start/,
      )
      await assert.rejects(requireRowRights(program, other), /start again with DATABASE_OWNER_URL/)
      const guards = { isApplication: true, rowRights: rowRightsGuard }
      assert.deepEqual(await findGuardFaults(program, guards), [])
      await owner.unsafe('alter table inbox disable row level security')
      await owner.unsafe('alter function sees_operational set search_path = public')
      assert.deepEqual(
        (await findGuardFaults(program, guards)).map((f) => f.detail),
        [
          'its settings are search_path=public, not search_path=public, pg_temp',
          'row security is off, and the table has row rights',
        ],
      )
      await owner.unsafe('alter table inbox enable row level security')
      await owner.unsafe(
        'alter function sees_operational set search_path = public, pg_temp; drop policy application on inbox',
      )
      await owner.unsafe(
        `create policy application on inbox to touchstone_app_${mark} using (true) with check (true)`,
      )
      const attacks: [string, RegExp][] = [
        [
          'alter policy row_rights on golden using (row_place is not null)',
          /^the table golden: its policy row_rights is not as Touchstone creates it: to touchstone_reader using \(row_place IS NOT NULL\)$/,
        ],
        // The same words, grouped otherwise.
        [
          `alter policy row_rights on assertion using ((exists (select 1 from source_record r where r.key = assertion.a)
            and b is null) or exists (select 1 from source_record r where r.key = assertion.b))`,
          /^the table assertion: its policy/,
        ],
        ['alter policy row_rights on link to public', /link: .* to everybody using/],
        [
          'drop policy row_rights on link; create policy row_rights on link using (1 = 1)',
          /link: /,
        ],
        ['alter policy application on inbox to touchstone_reader', /inbox: its policy application/],
        [
          'drop policy row_rights on task; drop policy application on task; alter table task disable row level security',
          /^the table task: row security is off/,
        ],
        [
          'create or replace view seen_record with (security_barrier) as select r.key, r.id from source_record r',
          /^the view seen_record: /,
        ],
        ['alter view seen_golden reset (security_barrier)', /^the view seen_golden: /],
        [
          'grant select on api_key to touchstone_reader',
          /^the table api_key: touchstone_reader may/,
        ],
        [
          `create or replace function tag_golden() returns trigger language plpgsql as $$ begin
             new.row_place = '*'; return new; end $$`,
          /^the function public.tag_golden\(\): its body/,
        ],
      ]
      for (const [attack, found] of attacks)
        await owner.begin(async (tx) => {
          await tx.unsafe(attack)
          const faults = await findGuardFaults(tx, { rowRights: rowRightsGuard })
          assert.equal(faults.length, 1, `${attack}: ${JSON.stringify(faults)}`)
          assert.match(`${faults[0]?.guard}: ${faults[0]?.detail}`, found)
          await tx.unsafe('rollback; begin')
        })
      const seen = async (sql: Sql | null) => (await sql?.unsafe('select 1 from inbox'))?.length
      assert.equal(await seen(program), 1)
      assert.equal(await seen(readers.of({ regions: ['eu'] })), 0)
      await program`insert into inbox (source, message_id, object, format, body, correlation_id)
        values ('s', '2', 'o', 'row', '{}', gen_random_uuid())`
      assert.equal(await seen(program), 2)
    } finally {
      await readers.close()
      await program.end()
      await owner.end()
    }
  })
})
