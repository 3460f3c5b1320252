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
import { expireAudit } from '../../../mdm/audit/expireAudit.ts'
import type { HeadsState } from '../../../mdm/audit/headSender.ts'
import { settleAuditKey } from '../../../mdm/audit/settleAuditKey.ts'
import { transaction } from '../../../mdm/db/transaction.ts'
import { createPoster } from '../../../mdm/webhooks/post.ts'
import { makeSecret } from '../../../mdm/webhooks/secrets.ts'
import { parseNetwork } from '../../../schema/kit/networkAddress.ts'
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

async function open(more: { entries?: number; file?: string } = {}) {
  const { port } = receiver.address() as AddressInfo
  return await openAuditHeads({
    sql: db.sql,
    config: {
      auditHeadSecondsMax: 3_600,
      auditHeadEntriesMax: more.entries ?? 2,
      auditHeadFile: more.file ?? file,
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
const why = (sender: { state: HeadsState }): string => sender.state.broken?.detail ?? ''
const breaks = () =>
  readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const head = readHeadLine(line)
      return typeof head === 'string' ? [] : [head.broken]
    })
const lastEntry = async () =>
  (await db.sql<{ id: number }[]>`select id from audit_head`)[0]?.id ?? 0
const resume = () =>
  runCommand(command, ['resume', '--reason', 'looked into it'], { DATABASE_URL: db.url })
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

test('an entry that is removed while a server runs is found by it; heads say so until somebody lets them go on', async () => {
  const sender = await open()
  await sender.look()
  const last = await lastEntry()
  await asOwner(`delete from audit where id = ${last};
    update audit_head set id = ${last} - 1, hash = (select hash from audit where id = ${last} - 1)`)
  await sender.look()
  assert.match(why(sender), /its end was removed, or an older backup/)
  assert.deepEqual(breaks(), [undefined, last], 'a head that says so is sent at once')
  const found = await verify('--against', file, '--json')
  assert.equal(found.code, 1)
  const { result, broken, openBreak, heads } = JSON.parse(found.stdout)
  assert.deepEqual([result, broken, openBreak.id], ['BROKEN', null, last])
  assert.deepEqual(
    heads.findings.map((f: { kind: string; position: number }) => [f.kind, f.position]).sort(),
    [
      ['DIFFERS', last],
      ['SAYS_BROKEN', last],
    ],
  )
  assert.match((await verify()).output, /a server has found the log broken at entry/)
  const elsewhere = await open({ file: join(folder, 'moved') })
  await elsewhere.look()
  assert.match(why(elsewhere), /its end was removed/, 'the log names it')
  await entries(2)
  await sender.look()
  const restarted = await open()
  await restarted.look()
  assert.deepEqual([breaks().at(-1), restarted.state.broken !== null], [last, true])
  assert.equal((await resume()).code, 0)
  assert.match((await resume()).output, /no break of the audit log is recorded/)
  await sender.look()
  await elsewhere.look()
  assert.deepEqual([sender.state.broken, elsewhere.state.broken], [null, null])
  await sender.stop()
  assert.equal(breaks().at(-1), undefined)
  const again = await open()
  await again.look()
  assert.equal(again.state.broken, null, 'the last head is one after the break')
  assert.equal((await verify()).code, 0, 'the log alone fits')
  const forked = await verify('--against', file)
  assert.equal(forked.code, 1)
  assert.match(forked.output, new RegExp(`position ${last} the hash .* forks there`))
})

test('an entry that replaced that of a head is found while a server runs', async () => {
  await entries(1)
  const sender = await open()
  await sender.look()
  const last = await lastEntry()
  await asOwner(`delete from audit where id = ${last};
    update audit_head set id = ${last} - 1, hash = (select hash from audit where id = ${last} - 1)`)
  await entries(2)
  await sender.look()
  assert.match(why(sender), /not the entry whose hash was sent/)
  await resume()
  await sender.look()
  assert.equal(sender.state.broken, null)
})

test('a beginning that was raised is refused, by a server that runs and by one that starts', async () => {
  const sender = await open()
  await sender.look()
  const last = await lastEntry()
  const raise = (id: number, hash: string) =>
    asOwner(`update audit_head set start_id = ${id}, start_hash = ${hash}`)
  const hashOf = (id: number) => `(select hash from audit where id = ${id})`
  await entries(2)
  await raise(last + 1, hashOf(last + 1))
  await sender.look()
  assert.match(
    why(sender),
    new RegExp(`up to ${last + 1} are gone, and the log records no expiry of them .AUDIT_EXPIRED`),
  )
  const head = await runCommand(command, ['head'], { DATABASE_URL: db.url })
  assert.match(head.output, /records no expiry of them.* No head was signed/)
  const starting = await open({ file: join(folder, 'none') })
  await starting.look()
  assert.ok(starting.state.broken)
  await raise(0, `''`)
  assert.equal((await resume()).code, 0)
  await sender.look()
  assert.equal(sender.state.broken, null)
  // An entry that only looks like the record of an expiry.
  const now = await lastEntry()
  await asOwner(`insert into audit (id, at, body, key_id, hash)
      select ${now} + 1, at, (body::jsonb || jsonb_build_object('event', 'AUDIT_EXPIRED', 'id', ${now} + 1, 'through', 1,
        'hash', encode(${hashOf(1)}, 'hex')))::json, key_id, sha256('x') from audit where id = ${now};
    update audit_head set id = ${now} + 1, hash = sha256('x'), start_id = 1, start_hash = ${hashOf(1)}`)
  await sender.look()
  assert.match(why(sender), /the expiry .* is not as its key signed it/)
  await asOwner(`delete from audit where id > ${now};
    update audit_head set id = ${now}, hash = ${hashOf(now)}, start_id = 0, start_hash = ''`)
  await sender.look()
  assert.equal((await resume()).code, 0)
  await sender.look()
  for (const _ of ['up to the last head', 'past it']) {
    await expireAudit(db.sql, await lastEntry(), { actor: 'ada', reason: 'retention' })
    await sender.look()
    await entries(1)
  }
  await sender.stop()
  assert.equal(sender.state.broken, null, 'a recorded expiry is right')
  assert.equal((await verify()).code, 0)
})

test('a server reports guards that are not as the migrations create them', async () => {
  await db.sql.unsafe('alter table assertion disable trigger assertion_append_only')
  const sender = await open()
  await sender.look()
  assert.deepEqual(
    sender.state.guards.map((g) => g.detail),
    ['it is disabled'],
  )
  assert.ok(lines.some((l) => l.level === 50 && /no longer guards the history/.test(l.msg)))
  const found = await verify()
  await db.sql.unsafe('alter table assertion enable trigger assertion_append_only')
  assert.equal(found.code, 1)
  assert.match(found.output, /the trigger assertion_append_only on assertion: it is disabled/)
})

test('an edited file of heads is reported, by the server without a stop', async () => {
  const first = await open()
  await first.look()
  writeFileSync(file, readFileSync(file, 'utf8').replace('"entries":', '"entries":1'))
  const sender = await open()
  await sender.look()
  assert.match(why(sender), /is not as the key test/)
  assert.ok(lines.some((l) => l.level === 50 && /was edited/.test(l.msg)))
  const { code, output } = await verify('--against', file)
  assert.equal(code, 1)
  assert.match(output, /it was edited/)
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('touchstone.audit.head', 'x'))
  const unread = await open()
  await unread.look()
  assert.match(why(unread), /none of its last \d+ lines is a head/)
  await resume()
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
    [
      `alter table audit_head drop constraint audit_head_pkey, drop constraint audit_head_one_check;
       insert into audit_head (one, id, hash) values (false, 0, '')`,
      'delete from audit_head where not one; alter table audit_head add primary key (one), add check (one)',
    ],
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
