import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import { Webhook } from 'standardwebhooks'
import { command } from '../../../cli/commands/audit.ts'
import { configureAuditKeys } from '../../../cli/config/auditKeys.ts'
import { configFromEnv } from '../../../cli/config/config.ts'
import { openAuditHeads } from '../../../cli/server/auditHeads.ts'
import { appendAudit } from '../../../mdm/audit/audit.ts'
import { readHeadLine } from '../../../mdm/audit/auditHead.ts'
import { loadAuditKeys } from '../../../mdm/audit/auditKeys.ts'
import { settleAuditKey } from '../../../mdm/audit/settleAuditKey.ts'
import { transaction } from '../../../mdm/db/transaction.ts'
import { parseNetwork } from '../../../mdm/webhooks/address.ts'
import { createPoster } from '../../../mdm/webhooks/post.ts'
import { makeSecret } from '../../../mdm/webhooks/secrets.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { runCommand } from '../runCommand.ts'

let db: TestDatabase
const folder = mkdtempSync(join(tmpdir(), 'touchstone-heads-'))
const secret = makeSecret()
const received: { headers: Record<string, string>; body: string }[] = []
let status = 204
const receiver = createServer((req, res) => {
  let body = ''
  req.on('data', (chunk) => {
    body += chunk
  })
  req.on('end', () => {
    if (status < 300) received.push({ headers: req.headers as Record<string, string>, body })
    res.writeHead(status).end()
  })
})
let lines: { level: number; msg: string; auditHead?: unknown }[] = []
let files = 0
let file = ''

before(async () => {
  db = await testDatabase()
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done))
  await entries(3)
})
beforeEach(() => {
  file = join(folder, `heads${++files}.jsonl`)
  lines = []
  received.length = 0
  status = 204
})
after(async () => {
  receiver.close()
  rmSync(folder, { recursive: true, force: true })
  await db?.drop()
})

async function entries(count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    await transaction(db.sql, (tx) => appendAudit(tx, { event: 'TEST', actor: 'ada' }))
}

async function open(more: { entries?: number } = {}) {
  const { port } = receiver.address() as AddressInfo
  return await openAuditHeads({
    sql: db.sql,
    config: {
      auditHeadSecondsMax: 3_600,
      auditHeadEntriesMax: more.entries ?? 2,
      auditHeadFile: file,
      auditHeadUrl: `http://127.0.0.1:${port}/heads`,
      auditHeadSecret: secret,
    },
    poster: createPoster({
      reach: { networks: [parseNetwork('127.0.0.1')], http: true, ports: [port] },
      timeoutMs: 2_000,
    }),
    log: pino({}, { write: (line) => lines.push(JSON.parse(line)) }),
  })
}

const positions = () =>
  readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const head = readHeadLine(line)
      return typeof head === 'string' ? [] : [head.position]
    })
const verify = (...args: string[]) => verifyWith({}, ...args)
const verifyWith = (env: Record<string, string>, ...args: string[]) =>
  runCommand(command, ['verify', ...args], { DATABASE_URL: db.url, ...env })

/** Does something as the owner of the tables. */
async function asOwner(statement: string): Promise<void> {
  await db.sql.begin(async (tx) => {
    await tx.unsafe(`set local session_replication_role = replica; ${statement}`)
  })
}

test('heads go to the log, a file and a signed endpoint: at once, after so many entries, at the stop', async () => {
  const sender = await open()
  await sender.look()
  await entries(1)
  await sender.look()
  await entries(1)
  await sender.look()
  await entries(1)
  await sender.stop()
  assert.deepEqual(positions(), [3, 5, 6])
  assert.equal(lines.filter((l) => l.auditHead).length, 3)
  assert.deepEqual(
    received.map(({ headers, body }) => {
      const event = new Webhook(secret).verify(body, headers) as { data: { position: number } }
      return event.data.position
    }),
    [3, 5, 6],
  )
  const log = join(folder, 'process.log')
  writeFileSync(log, lines.map((l) => JSON.stringify(l)).join('\n'))
  const bodies = join(folder, 'bodies.jsonl')
  writeFileSync(bodies, received.map((r) => r.body).join('\n'))
  const { code, output } = await verify('--against', file, log, bodies)
  assert.equal(code, 0, output)
  assert.match(output, /6 entries of the audit log .*, all fit/)
  assert.match(output, /9 heads compared/)
})

test('an endpoint that fails is visible and holds nothing up; the newest head follows', async () => {
  status = 503
  const sender = await open()
  await sender.look()
  await entries(2)
  await sender.look()
  const failing = sender.state.sinks.find((s) => s.name === 'endpoint')
  assert.match(failing?.why ?? '', /status 503/)
  assert.equal(sender.state.sinks.find((s) => s.name === 'file')?.why, null)
  assert.equal(lines.filter((l) => l.level === 50).length, 1, 'one line, not one a second')
  status = 204
  await sender.stop()
  assert.equal(received.length, 1)
  assert.equal(sender.state.sinks.find((s) => s.name === 'endpoint')?.why, null)
})

test('an entry that is removed while a server runs is found by it, and named by verify', async () => {
  const sender = await open()
  await sender.look()
  const [head] = await db.sql`select id from audit_head`
  await asOwner(`create table kept as select * from audit where id = ${head?.id};
    delete from audit where id = ${head?.id};
    update audit_head set id = ${head?.id} - 1, hash = (select hash from audit where id = ${head?.id} - 1)`)
  await sender.look()
  assert.match(sender.state.broken?.detail ?? '', /its end was removed, or an older backup/)
  const behind = await verify('--against', file, '--json')
  assert.equal(behind.code, 1)
  const found = JSON.parse(behind.stdout)
  assert.deepEqual(
    [found.result, found.broken, found.heads.findings[0].kind, found.heads.findings[0].position],
    ['BROKEN', null, 'BEHIND', head?.id],
  )
  assert.equal((await verify()).code, 0, 'the log alone fits')
  await entries(2)
  const again = await open()
  await again.look()
  assert.match(again.state.broken?.detail ?? '', /not the entry whose hash was sent/)
  const forked = await verify('--against', file)
  assert.equal(forked.code, 1)
  assert.match(forked.output, new RegExp(`position ${head?.id} the hash .* forks there`))
})

test('an edited file of heads is reported, by the server without a stop', async () => {
  const first = await open()
  await first.look()
  writeFileSync(file, readFileSync(file, 'utf8').replace('"entries":', '"entries":1'))
  const sender = await open()
  await sender.look()
  assert.match(sender.state.broken?.detail ?? '', /is not as the key test/)
  assert.ok(lines.some((l) => l.level === 50 && /was edited/.test(l.msg)))
  const { code, output } = await verify('--against', file)
  assert.equal(code, 1)
  assert.match(output, /it was edited/)
})

test('without a key, without heads or without a file it could not be verified: exit code 2', async () => {
  writeFileSync(file, '{"level":30}\n')
  assert.equal((await verify('--against', file)).code, 2)
  const other = await verifyWith({ TOUCHSTONE_AUDIT_KEYS: `other:${'x'.repeat(40)}` })
  assert.equal(other.code, 2)
  assert.match(other.output, /this process does not have the key test/)
  const none = await verify('--against', join(folder, 'nothing'))
  assert.equal(none.code, 2)
  assert.match(none.output, /ENOENT/)
  const bad = await verifyWith({ TOUCHSTONE_AUDIT_KEYS: 'short:hush' })
  assert.doesNotMatch(bad.output, /hush/)
})

test('a log without its head or a column is broken, and not one that could not be verified', async () => {
  for (const [statement, back] of [
    [
      'alter table audit_head rename to audit_head0',
      'alter table audit_head0 rename to audit_head',
    ],
    ['alter table audit rename endorsement to e', 'alter table audit rename e to endorsement'],
  ] as const) {
    await db.sql.unsafe(statement)
    const { code, output } = await verify()
    await db.sql.unsafe(back)
    assert.equal(code, 1, output)
    assert.match(output, /the tables of the audit log were changed/)
  }
})

test('a process with another secret of the same id writes nothing', async () => {
  const before = await db.sql`select id from audit_head`
  configureAuditKeys({
    auditKeys: [`test:${'y'.repeat(40)}`],
    auditKeyFile: undefined,
    dataDir: folder,
  })
  await assert.rejects(entries(1), /did not sign the last entries/)
  await assert.rejects(settleAuditKey(db.sql), /did not sign the last entries/)
  assert.deepEqual(await db.sql`select id from audit_head`, before)
  configureAuditKeys(configFromEnv(['auditKeys', 'auditKeyFile', 'dataDir']))
  // An entry that was changed does not stop the next ones: others before it fit.
  await asOwner('update audit set hash = sha256(hash) where id = (select id from audit_head)')
  await entries(1)
})

test('keys in files: one for each line, made once, and not readable by others', async () => {
  const at = (name: string) => join(folder, name)
  const load = async (config: { auditKeyFile?: string; dataDir?: string }, mayCreate = false) => {
    configureAuditKeys({
      auditKeys: undefined,
      auditKeyFile: undefined,
      dataDir: at('none'),
      ...config,
    })
    return (await loadAuditKeys(mayCreate)).map((k) => k.id)
  }
  writeFileSync(at('keys'), `# new\nb:${'b'.repeat(40)}\n\n a:${'a'.repeat(40)}\n`, { mode: 0o640 })
  assert.deepEqual(await load({ auditKeyFile: at('keys') }), ['b', 'a'])
  writeFileSync(at('bad'), `b:${'b'.repeat(40)}\nhush\n`, { mode: 0o600 })
  await assert.rejects(
    load({ auditKeyFile: at('bad') }),
    (e: Error) => e.message.includes(`${at('bad')}:2: `) && !e.message.includes('hush'),
  )
  writeFileSync(at('empty'), '# none\n', { mode: 0o600 })
  await assert.rejects(load({ auditKeyFile: at('empty') }), /holds no key/)
  writeFileSync(at('open'), `b:${'b'.repeat(40)}\n`)
  chmodSync(at('open'), 0o644)
  await assert.rejects(load({ auditKeyFile: at('open') }), /chmod o-rwx/)
  await assert.rejects(load({ auditKeyFile: at('gone') }), /ENOENT/)
  await assert.rejects(load({ dataDir: at('data') }), /no key of the audit log in/)
  assert.ok(!existsSync(at('data')), 'a log that has a key gets no other one')
  const [made] = await load({ dataDir: at('data') }, true)
  assert.deepEqual(await load({ dataDir: at('data') }), [made])
  assert.equal(statSync(at('data/audit-key')).mode & 0o777, 0o600)
  assert.throws(
    () =>
      configureAuditKeys({
        auditKeys: [`a:${'a'.repeat(40)}`],
        auditKeyFile: at('keys'),
        dataDir: folder,
      }),
    /both set/,
  )
})
