import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Command } from 'commander'
import { describeDatabase } from '../../cli/config/describeDatabase.ts'
import { packagePath } from '../../cli/config/packagePath.ts'
import { connect, type DatabaseConfig } from '../../cli/connect.ts'
import { openDataDirectory } from '../../cli/embeddedPostgres/dataDirectory.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { impostor, message, OK, READY, type Script } from '../mdm/db/impostor.ts'
import { runCommand } from './runCommand.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'touchstone-empty-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

describe('a folder without a database', () => {
  const uuid = '0188b7a2-1c8e-7d6f-9a4b-3c2d1e0f9a8b'
  const ARGS: Record<string, string[][]> = {
    audit: [
      ['verify'],
      ['head'],
      ['expire', '--older-than', '90d', '--reason', 'x'],
      ['lost-key', '--reason', 'x'],
    ],
    exceptions: [
      ['list'],
      ['show', '1'],
      ['retry', '1', '--reason', 'x'],
      ['discard', '1', '--reason', 'x'],
    ],
    expire: [['--older-than', '90d']],
    explain: [['a', 'b']],
    feed: [['epochs'], ['new-epoch']],
    keys: [['list'], ['create', 'x', '--role', 'reader'], ['revoke', 'x'], ['rotate', 'x']],
    load: [['--source', 'webshop', '--object', 'customers', 'customers.csv']],
    operations: [['list'], ['retire', '0123456789abcdef']],
    publish: [['--list'], ['--shipped']],
    quality: [[], ['--json']],
    reconcile: [[], ['--json']],
    rebuild: [['--check'], ['--repair']],
    remap: [['webshop']],
    replay: [['--source', 'webshop']],
    schema: [['check', '--against', packagePath('supergraph.graphql'), '--published']],
    simulate: [['--policy', packagePath('schema/model')]],
    slo: [[]],
    sync: [['status'], ['status', '--json']],
    token: [['--role', 'reader']],
    trace: [['1']],
    train: [['--list'], []],
    webhooks: [['list'], ['deliveries'], ['replay', uuid], ['test', uuid]],
  }
  const MAY_CREATE = ['migrate', 'serve', 'start', 'subgraph']
  const WORKS_WITHOUT = ['link', 'mcp', 'sources', 'systems', 'tail']

  test('is named in the error and left empty by every command that must not create one', async (t) => {
    const { DATABASE_URL } = process.env
    delete process.env.DATABASE_URL
    t.after(() => {
      if (DATABASE_URL !== undefined) process.env.DATABASE_URL = DATABASE_URL
    })
    const withDataDir: string[] = []
    for (const file of readdirSync(packagePath('cli/commands')).filter((f) => f.endsWith('.ts'))) {
      const { command } = (await import(packagePath(`cli/commands/${file}`))) as {
        command: Command
      }
      const all = [command, ...command.commands]
      if (all.some((c) => c.options.some((o) => o.long === '--data-dir')))
        withDataDir.push(command.name())
      for (const args of ARGS[command.name()] ?? []) {
        const { code, output } = await runCommand(command, [...args, '--data-dir', folder])
        // What could not be verified is not the same as what was changed.
        const expected = args[0] === 'verify' ? 2 : 1
        assert.equal(code, expected, `${command.name()} ${args.join(' ')}: ${output}`)
        assert.match(output, /no database here|no development key/)
        assert.ok(output.includes(folder), output)
        assert.deepEqual(readdirSync(folder), [], command.name())
      }
    }
    assert.deepEqual(
      withDataDir.sort(),
      [...Object.keys(ARGS), ...MAY_CREATE, ...WORKS_WITHOUT].sort(),
    )
  })

  test('is not needed to check the mappings, and left empty', async (t) => {
    const { DATABASE_URL } = process.env
    delete process.env.DATABASE_URL
    t.after(() => {
      if (DATABASE_URL !== undefined) process.env.DATABASE_URL = DATABASE_URL
    })
    const { command } = (await import(packagePath('cli/commands/sources.ts'))) as {
      command: Command
    }
    const { code, output } = await runCommand(command, ['--data-dir', folder])
    assert.equal(code, 0, output)
    assert.deepEqual(readdirSync(folder), [])
  })

  test('is not created when it does not exist', async () => {
    await assert.rejects(
      connectTo(join(folder, 'typo')),
      /no database here: .*typo does not exist.*--data-dir/,
    )
    assert.deepEqual(readdirSync(folder), [])
  })
})

describe('a data directory that cannot be used', () => {
  test('is refused when it is a file, lies in a file or holds something else', () => {
    const dir = mkdtempSync(join(folder, 'odd-'))
    writeFileSync(join(dir, 'notes.txt'), 'x')
    for (const create of [false, true])
      assert.throws(
        () => openDataDirectory(join(dir, 'notes.txt'), { create }),
        /notes\.txt is a file/,
      )
    assert.throws(
      () => openDataDirectory(join(dir, 'notes.txt', 'data'), { create: true }),
      /part of the path is a file/,
    )
    assert.throws(() => openDataDirectory(dir, { create: false }), /holds no Touchstone database/)
  })

  test('is refused by a command if another user could put another one in its place', async () => {
    const parent = mkdtempSync(join(folder, 'open-'))
    chmodSync(parent, 0o777)
    const dir = join(parent, 'data')
    const { command } = await import('../../cli/commands/migrate.ts')
    const { DATABASE_URL } = process.env
    delete process.env.DATABASE_URL
    try {
      const { code, output } = await runCommand(command, ['--data-dir', dir])
      assert.equal(code, 1)
      assert.match(output, /data directory \S+ is not safe: every user .*mode 0777\): .*chmod o-w/)
      assert.deepEqual(readdirSync(parent), [])
    } finally {
      if (DATABASE_URL !== undefined) process.env.DATABASE_URL = DATABASE_URL
    }
  })

  test('is refused when another version of Postgres made its data', () => {
    const dir = mkdtempSync(join(folder, 'old-'))
    mkdirSync(join(dir, 'postgres'))
    writeFileSync(join(dir, 'postgres', 'PG_VERSION'), '17\n')
    for (const create of [false, true])
      assert.throws(
        () => openDataDirectory(dir, { create }),
        /are of Postgres 17, .* runs Postgres 18: .*pg_dump/,
      )
    for (const [text, reason] of [
      ['', /PG_VERSION is empty, so the database is not whole: restore/],
      ['\0\0\0', /PG_VERSION holds no version of Postgres/],
      ['eighteen\n', /PG_VERSION holds no version of Postgres/],
    ] as const) {
      writeFileSync(join(dir, 'postgres', 'PG_VERSION'), text)
      assert.throws(() => openDataDirectory(dir, { create: true }), reason)
    }
  })

  test('is refused with the user and the reason when it is read-only', () => {
    const dir = mkdtempSync(join(folder, 'read-only-'))
    mkdirSync(join(dir, 'postgres'))
    writeFileSync(join(dir, 'postgres', 'PG_VERSION'), '18\n')
    chmodSync(dir, 0o555)
    // Permissions do not bind root, but nobody can make a folder in /sys.
    const locked = process.getuid?.() === 0 ? '/sys/touchstone-data' : dir
    assert.throws(
      () => openDataDirectory(locked, { create: true }),
      /^DataDirectoryError: user \w+ cannot read and write the data directory \S+ \((EACCES|EPERM|EROFS)\): .*--data-dir/,
    )
  })
})

describe('a database of DATABASE_URL', () => {
  let empty: TestDatabase
  let db: TestDatabase
  before(async () => {
    empty = await testDatabase({ connectionsMax: 1, empty: true })
    db = await testDatabase({ connectionsMax: 1 })
  })
  after(async () => {
    await empty.drop()
    await db.drop()
  })

  test('without Touchstone tables is refused and left unchanged; migrate may create them', async () => {
    await assert.rejects(
      connectTo(folder, empty.url),
      /has no tables of Touchstone.*npx touchstone migrate/,
    )
    assert.equal((await empty.sql`select 1 from pg_tables where schemaname = 'public'`).length, 0)
    const { close } = await connect({
      config: configOf(folder, empty.url),
      create: true,
      notify: () => {},
    })
    await close()
    await connectTo(folder, empty.url)
  })

  test('of an older or a newer version is refused with instructions', async () => {
    const [last] =
      await db.sql`delete from migration where name = (select max(name) from migration) returning *`
    await assert.rejects(
      connectTo(folder, db.url),
      new RegExp(`lacks ${last?.name}.*npx touchstone migrate`),
    )
    await db.sql`insert into migration ${db.sql({ ...last })}`
    await db.sql`insert into migration (name, hash) values ('9999_future.sql', 'x')`
    await assert.rejects(connectTo(folder, db.url), /newer version .*9999_future\.sql/)
    await db.sql`delete from migration where name = '9999_future.sql'`
  })

  test('is named with its password masked before it is used, even when it does not exist', async () => {
    const url = new URL(db.url)
    url.pathname = '/gone'
    const lines: string[] = []
    await assert.rejects(
      connect({ config: configOf(folder, url.href), notify: (line) => lines.push(line) }),
      (e: Error) =>
        /database "gone" does not exist/.test(e.message) &&
        !(url.password && e.message.includes(url.password)),
    )
    assert.match(lines.join(), /^database: postgres:\/\/\w+.*\/gone/)
    const config = configOf(folder, 'postgres://me:hush@host/gone?password=hush')
    assert.equal(describeDatabase(config), 'postgres://me:***@host/gone?password=***')
  })
})

test('a hostile database of DATABASE_URL is an error that says what it did', async (t) => {
  const length = Buffer.from('44ffffffff', 'hex')
  const login = Buffer.concat([OK, READY])
  const hangUp: Script = (_, __, socket) => {
    socket.end()
    return null
  }
  const CASES: [Script, RegExp][] = [
    [(_, n) => (n === 0 ? login : length), /message of 4294967295 bytes/],
    [
      (_, n) => (n === 0 ? login : message('G', Buffer.from([0, 0, 0]))),
      /answers with COPY, for which no statement asks/,
    ],
    [hangUp, /does not respond \(CONNECTION_CLOSED\)/],
  ]
  for (const [script, reason] of CASES) {
    const { port } = await impostor(t, script)
    const config = configOf(folder, `postgres://touchstone@127.0.0.1:${port}/x`)
    await assert.rejects(
      connect({ config: { ...config, databaseWaitSecondsMax: 1 }, notify: () => {} }),
      reason,
    )
  }
})

test('a database that accepts logins and then never answers does not hold a command', async (t) => {
  const db = await testDatabase({ empty: true })
  t.after(() => db.drop())
  const to = new URL(db.url)
  const { hostname } = to
  const port = to.searchParams.get('port') || to.port || '5432'
  const socketFolder = to.searchParams.get('host')
  for (const name of ['host', 'port']) to.searchParams.delete(name)
  const ready = Buffer.from('5a00000005', 'hex')
  let opened = 0
  const proxy = createServer((client) => {
    const isSilent = opened++ > 0
    const server = socketFolder
      ? createConnection(`${socketFolder}/.s.PGSQL.${port}`)
      : createConnection(Number(port), hostname)
    for (const socket of [client, server]) socket.on('error', () => socket.destroy())
    let isLoggedIn = false
    server.on('data', (chunk) => {
      isLoggedIn ||= chunk.includes(ready)
      client.write(chunk)
    })
    client.on('data', (chunk) => !(isSilent && isLoggedIn) && server.write(chunk))
    client.on('close', () => server.destroy())
  }).listen(0, '127.0.0.1')
  t.after(() => proxy.close())
  await once(proxy, 'listening')
  to.port = String((proxy.address() as AddressInfo).port)
  to.hostname = '127.0.0.1'
  const config = { ...configOf(folder, to.href), databaseWaitSecondsMax: 1 }
  await assert.rejects(
    connect({ config, notify: () => {} }),
    /accepts connections and does not answer a statement in 1 s/,
  )
})

function configOf(dataDir: string, databaseUrl?: string): DatabaseConfig {
  return {
    ...{ databaseUrl, databaseOwnerUrl: undefined, dataDir, embeddedPort: undefined },
    ...{ databaseWaitSecondsMax: 5, auditKeys: undefined, auditKeyFile: undefined },
  }
}

async function connectTo(dataDir: string, databaseUrl?: string): Promise<void> {
  const { close } = await connect({ config: configOf(dataDir, databaseUrl), notify: () => {} })
  await close()
}
