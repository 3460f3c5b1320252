import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { ConnectionError } from '../../connectors/connection/contract.ts'
import { openStream } from '../../connectors/connection/stream/openStream.ts'
import type { Connector } from '../../connectors/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { streamedBody } from '../../connectors/salesforce/streamedBody.ts'
import { type ConfiguredSource, readSources } from '../../connectors/sources.ts'
import { BacklogGate } from '../../mdm/connections/backlog.ts'
import { addObjects, claimObject } from '../../mdm/connections/lease.ts'
import { RunStopped } from '../../mdm/connections/runObject.ts'
import { runStream } from '../../mdm/connections/streams/runStream.ts'
import { STREAM } from '../../mdm/connections/streams/stream.ts'
import type { Pipeline } from '../../mdm/ingest/pipeline.ts'
import { serve, type TestServer } from '../connectors/connection/server.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { directPipeline, drain, empty, policy } from '../fixtures/store.ts'
import { PubSubServer } from './pubSubServer.ts'

let db: TestDatabase
let tokens: TestServer
let server: PubSubServer
let source: ConfiguredSource
let connector: Connector
let pipeline: Pipeline
let signIns = 0
const env = { SECRET: 'the secret' }
const ids = { ada: '0015g00000AAAAAAA4', bea: '0015g00000BBBBBAA4', cid: '0015g00000CCCCCAA4' }

before(async () => {
  db = await testDatabase()
  tokens = await serve(() => ({
    body: { access_token: `token ${++signIns}`, instance_url: tokens.url },
  }))
})
after(async () => {
  tokens.close()
  await db?.drop()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, read_hint`
  server = await new PubSubServer().open()
  open()
})
afterEach(async () => {
  await stop()
  server.close()
})

function open(): void {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-stream-'))
  const path = join(dir, 'sources.yaml')
  const connection = {
    ...{ loginUrl: tokens.url, clientId: 'client', clientSecret: { env: 'SECRET' } },
    ...{ topic: '/data/ChangeEvents', organizationId: '00D5g0000000001' },
    ...{ pubSubUrl: server.url, objects: ['Account'], privateAddresses: true },
  }
  const one = { name: 'sf', kind: 'salesforce', role: 'CRM', trust: 0.5, connection }
  writeFileSync(path, stringify({ sources: [one] }))
  const [read] = readSources(path, env)
  connector = openConnectors(path, policy, env).get('sf') ?? assert.fail()
  source = read ?? assert.fail()
  rmSync(dir, { recursive: true })
  pipeline = {
    ...directPipeline(db.sql),
    connectors: new Map([['sf', connector]]),
    systems: new Map([['sf', connector.system]]),
  }
}

let running: { stop: AbortController; ended: ReturnType<typeof runStream> } | null = null

/** Claims the stream and reads it until it is stopped. */
async function start(options: { silenceMsMax?: number } = {}): Promise<void> {
  const stream = openStream('sf', source.connection ?? assert.fail(), {
    ...{ env, bodyOf: streamedBody, retry: { msMin: 1, msMax: 20 } },
    ...options,
  })
  assert.ok(stream)
  await addObjects(db.sql, 'sf', ['Account', STREAM])
  const claimed = await claimObject(db.sql, randomUUID(), { source: 'sf', object: STREAM }, true)
  assert.ok(claimed, 'the stream can be claimed')
  const counts = { requests: 0, retries: 0, waits: 0, bytes: 0 }
  const stopping = new AbortController()
  const ended = runStream(
    { stream, connector, objects: ['Account'], counts },
    { sql: db.sql, backlog: new BacklogGate(db.sql, 10_000) },
    claimed,
    stopping.signal,
  )
  ended.catch(() => {})
  running = { stop: stopping, ended }
}

async function stop() {
  if (!running) return null
  const { stop: stopping, ended } = running
  running = null
  stopping.abort(new RunStopped('the test stops it'))
  return await ended
}

async function until(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let n = 0; !(await check()); n++) {
    assert.ok(n < 400, `not in time: ${what}`)
    await sleep(25)
  }
}

async function state() {
  const [row] = await db.sql`select * from sync_state where object = ${STREAM}`
  return row ?? assert.fail()
}

const isAt = (n: number) =>
  until(
    async () => Buffer.from(String((await state()).position?.at), 'base64').toString() === `${n}`,
    `position ${n}`,
  )

const inbox = async () =>
  (await db.sql`select message_id from inbox order by id`).map((r) => r.message_id)

async function accounts(): Promise<Record<string, unknown>> {
  await drain(pipeline)
  const rows = await db.sql`
    select source_id as id, raw from source_record where object = 'Account' and not deleted order by 1`
  return Object.fromEntries(
    rows.map((r) => [r.id, [r.raw.Name, r.raw.Phone ?? null, r.raw.BillingCity ?? null]]),
  )
}

describe('a stream of Salesforce', () => {
  test('stores events with the position after them, and goes on there', async () => {
    await start()
    await isAt(0)
    server.publish({
      ...{ id: 'e1', changeType: 'CREATE', recordIds: [ids.ada] },
      values: { Name: 'Ada', Phone: '1', BillingAddress: { Street: null, City: 'Bonn' } },
    })
    server.publish({
      ...{ id: 'e2', changeType: 'UPDATE', recordIds: [ids.ada] },
      // Bits of the second field, and of the second part of the fourth.
      ...{ values: { Name: 'Ada B.' }, changedFields: ['0x2'], nulledFields: ['0x4', '3-0x2'] },
    })
    await isAt(2)
    assert.deepEqual(await accounts(), { [ids.ada]: ['Ada B.', null, null] })
    assert.equal((await state()).state, 'RUNNING')
    assert.equal(server.schemas, 1, 'a schema is asked for once')
    assert.equal((await stop())?.ended, 'STOPPED')
    server.publish({ id: 'e3', changeType: 'DELETE', recordIds: [ids.ada] })
    await start()
    await isAt(3)
    assert.deepEqual(await accounts(), {})
    assert.deepEqual(await inbox(), ['e1', 'e2', 'e3'])
    assert.match(server.tokens[0] ?? '', /^token \d+ 00D5g0000000001$/)
  })

  test('asks for at most 100 events at once, and again when they are stored', async () => {
    await start()
    await isAt(0)
    for (let n = 1; n <= 450; n++)
      server.publish({
        ...{ id: `f${n}`, changeType: 'CREATE', recordIds: [ids.ada], values: { Name: `No ${n}` } },
      })
    await isAt(450)
    assert.equal((await inbox()).length, 450)
    assert.ok(server.outstandingMost <= 100, `${server.outstandingMost} under way`)
  })

  test('connects again after a cut, and with a new sign-in after a refusal; an event counts once', async () => {
    await start()
    await isAt(0)
    server.publish({
      id: 'e1',
      changeType: 'CREATE',
      recordIds: [ids.ada],
      values: { Name: 'Ada' },
    })
    await isAt(1)
    const before = server.requests.length
    server.refused.add(`token ${signIns}`)
    server.cut()
    await until(() => server.requests.length > before + 1, 'connected again')
    // The same event under another position, as after a migration of the org.
    server.publish({
      id: 'e1',
      changeType: 'CREATE',
      recordIds: [ids.ada],
      values: { Name: 'Ada' },
    })
    server.publish({
      id: 'e2',
      changeType: 'CREATE',
      recordIds: [ids.bea],
      values: { Name: 'Bea' },
    })
    await isAt(3)
    assert.deepEqual(await inbox(), ['e1', 'e2'])
    assert.deepEqual(new Set(server.tokens).size, 2, server.tokens.join())
  })

  test('takes silence for a cut', async () => {
    await start({ silenceMsMax: 100 })
    await until(() => server.tokens.length >= 2, 'connected again')
  })

  test('whose position has expired begins with the oldest event, and every object is pulled', async () => {
    await start()
    await isAt(0)
    server.publish({
      id: 'e1',
      changeType: 'CREATE',
      recordIds: [ids.ada],
      values: { Name: 'Ada' },
    })
    await isAt(1)
    await stop()
    server.publish({
      id: 'e2',
      changeType: 'CREATE',
      recordIds: [ids.bea],
      values: { Name: 'Bea' },
    })
    server.publish({
      id: 'e3',
      changeType: 'CREATE',
      recordIds: [ids.cid],
      values: { Name: 'Cid' },
    })
    server.expired = 2
    await start()
    await isAt(3)
    assert.deepEqual(await inbox(), ['e1', 'e3'])
    const hints = await db.sql`select object, id from read_hint`
    assert.deepEqual([...hints], [{ object: 'Account', id: '' }])
    const codes = await db.sql`select code from sync_run where ended_at is not null order by id`
    assert.deepEqual(
      codes.map((r) => r.code),
      ['STOPPED', 'POSITION_EXPIRED'],
    )
  })

  test('lets the records of a gap be read, and the object of an overflow', async () => {
    await start()
    await isAt(0)
    server.publish({ id: 'g1', changeType: 'GAP_UPDATE', recordIds: [ids.ada, ids.bea] })
    server.publish({ id: 'g2', changeType: 'GAP_DELETE', recordIds: [ids.cid] })
    server.publish({ id: 'g3', changeType: 'GAP_OVERFLOW', recordIds: ['000000000000000AAA'] })
    await isAt(3)
    const hints = await db.sql`select id, gone from read_hint order by id`
    assert.deepEqual(
      [...hints],
      [
        { id: '', gone: false },
        { id: ids.ada, gone: false },
        { id: ids.bea, gone: false },
        { id: ids.cid, gone: true },
      ],
    )
    assert.deepEqual(await inbox(), [])
  })

  test('an event that cannot be decoded is an exception, and the others go on', async () => {
    await start()
    await isAt(0)
    server.publishRaw(
      'broken',
      Buffer.from([250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250]),
    )
    server.publish({
      id: 'e1',
      changeType: 'CREATE',
      recordIds: [ids.ada],
      values: { Name: 'Ada' },
    })
    await isAt(2)
    assert.deepEqual(Object.keys(await accounts()), [ids.ada])
    const exceptions = await db.sql`
      select i.message_id as id from outcome o join inbox i on i.id = o.inbox_id where o.outcome = 'EXCEPTION'`
    assert.deepEqual([...exceptions], [{ id: 'broken' }])
  })

  test('that a permission is missing for is a state with a reason', async () => {
    server.refused
      .add(`token ${signIns + 1}`)
      .add(`token ${signIns + 2}`)
      .add(`token ${signIns}`)
    await start()
    const result = await running?.ended
    running = null
    assert.ok(result?.ended === 'FAILED' && result.problem.verdict === 'SIGN_IN')
    assert.match(result.problem.detail, /sf: \/data\/ChangeEvents: .*the token is not valid/)
    assert.equal((await state()).state, 'FAILED')
  })

  test('is not read as plain text from another machine', async () => {
    const given = source.connection ?? assert.fail()
    const values = new Map(given.values).set('pubSubUrl', 'http://pubsub.example:7443')
    const stream = openStream('sf', { ...given, values }, { env, bodyOf: streamedBody })
    const pages = stream?.read(null, new AbortController().signal)
    const error = await pages?.next().catch((e: unknown) => e)
    assert.ok(error instanceof ConnectionError && error.code === 'ADDRESS_REFUSED')
    values.delete('topic')
    assert.equal(openStream('sf', { ...given, values }, { env, bodyOf: streamedBody }), null)
  })
})
