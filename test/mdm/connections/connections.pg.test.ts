import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../../../cli/commands/sync.ts'
import { openInstallation } from '../../../cli/config/installation.ts'
import { openLog } from '../../../cli/observe/log.ts'
import { startPullRole } from '../../../cli/server/pullRole.ts'
import { type Connection, ConnectionError } from '../../../connectors/connection/contract.ts'
import { BacklogGate } from '../../../mdm/connections/backlog.ts'
import { type ControlKind, controlSync } from '../../../mdm/connections/control.ts'
import { acceptDelivery, type DeliveredMessage } from '../../../mdm/connections/hints/addHints.ts'
import { addObjects, claimObject, LeaseLost, listDue } from '../../../mdm/connections/lease.ts'
import { readStates } from '../../../mdm/connections/read.ts'
import { RunStopped, type RunTools, runObject } from '../../../mdm/connections/runObject.ts'
import { beginRun } from '../../../mdm/connections/runs.ts'
import {
  type PulledSource,
  PullScheduler,
  type SchedulerOptions,
} from '../../../mdm/connections/scheduler.ts'
import { storePage } from '../../../mdm/connections/storePage.ts'
import { transaction } from '../../../mdm/db/transaction.ts'
import { confirmWritten, saveWritten } from '../../../mdm/echo/writtenValues.ts'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { DEFAULT_RULES } from '../../../mdm/tasks/rules.ts'
import type { ClosedTime } from '../../../schema/closedTime.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { runCommand } from '../../cli/runCommand.ts'
import { withMapping } from '../../connectors/fixture.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { directPipeline, drain, empty } from '../../fixtures/store.ts'
import { type HttpShop, startHttpShop } from './httpShop.ts'
import { failure, MapSystem, mapConnection } from './mapConnection.ts'

const shop = withMapping(`
every: { id: id, version: modified, deleted: gone }
objects:
  customers: { as: Customer, fields: { name: name } }
  contracts: { as: Contract, of: customers, when: contract, id: contract, fields: { number: contract } }
kept:
  notes:
`)

let db: TestDatabase
let system: MapSystem
let pipeline: Pipeline
const holder = randomUUID()
const hour = 3_600_000
before(async () => {
  db = await testDatabase()
  const direct = directPipeline(db.sql)
  pipeline = {
    ...direct,
    connectors: new Map([['shop', shop]]),
    systems: new Map([...direct.systems, ['shop', shop.system]]),
  }
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen, read_hint, written_value, written_record`
  system = new MapSystem()
})
after(async () => await db?.drop())

function tools(more: Partial<RunTools> = {}): RunTools {
  return {
    sql: db.sql,
    connection: mapConnection(system),
    reader: shop,
    backlog: new BacklogGate(db.sql, 10_000),
    everyMs: hour,
    censusEveryMs: 0,
    ...more,
  }
}

async function claim(object: string, by = holder) {
  await addObjects(db.sql, 'shop', [object])
  const claimed = await claimObject(db.sql, by, { source: 'shop', object }, true)
  assert.ok(claimed, `${object} can be claimed`)
  return claimed
}

async function run(object = 'customers', more: Partial<RunTools> = {}) {
  return await runObject(tools(more), await claim(object), new AbortController().signal)
}

async function stateOf(object = 'customers') {
  const [row] = await db.sql`select * from sync_state where object = ${object}`
  assert.ok(row)
  return row
}

const runs = () =>
  db.sql<{ mode: string; state: string; rows: number; messages: number; code: string | null }[]>`
    select mode, state, rows, messages, code from sync_run order by id`

/** The live records of the store: id -> name. */
async function stored(object = 'customers'): Promise<Record<string, unknown>> {
  await drain(pipeline)
  const rows = await db.sql<{ id: string; name: string }[]>`
    select source_id as id, raw->>'name' as name from source_record
    where object = ${object} and not deleted order by source_id`
  return Object.fromEntries(rows.map((r) => [r.id, r.name]))
}

function put(...names: string[]): void {
  for (const [n, name] of names.entries()) system.put('customers', String(n + 1), { name })
}

describe('a pull', () => {
  test('reads everything once, then what changed, and stores a deletion', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan')
    system.put('customers', '5', { name: 'Eve', contract: 'C-1' })
    assert.equal((await run()).ended, 'DONE')
    assert.deepEqual(await stored(), { 1: 'Ada', 2: 'Bea', 3: 'Cid', 4: 'Dan', 5: 'Eve' })
    system.put('customers', '2', { name: 'Bea B.' })
    system.tombstone('customers', '5')
    assert.equal((await run()).ended, 'DONE')
    assert.deepEqual(await stored(), { 1: 'Ada', 2: 'Bea B.', 3: 'Cid', 4: 'Dan' })
    assert.deepEqual(await stored('contracts'), {}, 'what was derived from the record is deleted')
    assert.deepEqual(
      (await runs()).map((r) => [r.mode, r.state, r.rows, r.messages]),
      [
        ['FULL', 'DONE', 5, 5],
        ['DELTA', 'DONE', 2, 2],
      ],
    )
    const state = await stateOf()
    assert.deepEqual([state.state, state.rows, state.within_run], ['IDLE', 7, false])
  })

  test('without versions stores only what differs, and a return to an earlier form', async () => {
    system.unversioned.add('notes')
    for (const text of ['first', 'second', 'first', 'first']) {
      system.put('notes', 'n1', { name: text })
      system.put('notes', 'n2', { name: 'same' })
      await run('notes')
      assert.deepEqual(await stored('notes'), { n1: text, n2: 'same' })
    }
    assert.deepEqual(
      (await runs()).map((r) => r.messages),
      [2, 1, 1, 0],
    )
    for (const text of ['third', 'first', 'third']) {
      system.put('notes', 'n1', { name: text })
      await run('notes')
    }
    assert.deepEqual(await stored('notes'), { n1: 'third', n2: 'same' }, 'while others wait')
  })

  test('without versions stores a written value that comes back once, and the former one when it returns', async () => {
    system.unversioned.add('customers')
    put('Ada')
    await run()
    await stored()
    const at = { source: 'shop', object: 'customers', sourceId: '1' }
    const goldenId = recordKey('shop', 'customers', '1')
    await transaction(db.sql, async (tx) => {
      await saveWritten(tx, { ...at, intentId: 1, goldenId, values: { name: 'Ada Ltd' } })
      await confirmWritten(tx, 1, '1')
    })
    for (const [name, own] of [
      ['Ada Ltd', 'Ada'],
      ['Ada Ltd', 'Ada'],
      ['Ada Ltd', 'Ada'],
      ['Ada', 'Ada'],
      ['Ada', 'Ada'],
      ['Ada Ltd', 'Ada Ltd'],
    ] as const) {
      put(name)
      await run()
      assert.deepEqual(await stored(), { 1: own })
    }
    assert.deepEqual(
      (await runs()).map((r) => r.messages),
      [1, 1, 0, 0, 1, 0, 1],
    )
  })

  test('of equal versions the row that was read last counts, in an earlier form too', async () => {
    for (const name of ['one', 'two', 'one', 'one']) {
      system.put('customers', '1', { name }, Date.parse('2026-02-01'))
      await db.sql`update sync_state set position = null`
      await run()
      assert.deepEqual(await stored(), { 1: name })
    }
    assert.deepEqual(
      (await runs()).map((r) => r.messages),
      [1, 1, 1, 0],
    )
  })

  test('a row that cannot be read is one exception, however often it is read', async () => {
    put('Ada', 'Bea')
    system.put('customers', '3', { name: 'Cid', modified: 'never' })
    const row = system.row.bind(system)
    system.row = (object, id) => {
      const found = row(object, id)
      return found && id === '3' ? { ...found, version: 'never' } : found
    }
    for (let n = 0; n < 2; n++) {
      await db.sql`update sync_state set position = null`
      await run()
      assert.deepEqual(await stored(), { 1: 'Ada', 2: 'Bea' })
    }
    const exceptions = await db.sql`select code from outcome where outcome = 'EXCEPTION'`
    assert.deepEqual(
      exceptions.map((e) => e.code),
      ['INVALID_VERSION'],
    )
  })

  test('waits while too many messages wait in the inbox', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan')
    await run()
    let waits = 0
    put('Ada 2')
    const running = run('customers', {
      backlog: new BacklogGate(db.sql, 3),
      onProgress: (p) => {
        if (p.waiting) waits++
      },
    })
    for (let n = 0; n < 500 && waits === 0; n++) await sleep(20)
    assert.equal(waits, 1)
    assert.equal((await runs()).at(-1)?.rows, 0, 'nothing is stored meanwhile')
    await drain(pipeline)
    assert.equal((await running).ended, 'DONE')
    assert.equal((await stored())[1], 'Ada 2')
  })
})

describe('a position', () => {
  test('is stored with its page: a run that stops goes on after its last page', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan', 'Eve', 'Fay', 'Gil')
    const stop = new AbortController()
    system.onPage = (_, page) => {
      if (page === 2) stop.abort(new RunStopped('the process stops'))
    }
    const claimed = await claim('customers')
    const first = await runObject(tools(), claimed, stop.signal)
    assert.equal(first.ended, 'STOPPED')
    const { position, within_run } = await stateOf()
    assert.deepEqual([position.mode, within_run], ['FULL', true])
    const before = system.requests
    system.onPage = () => {}
    assert.equal((await run()).ended, 'DONE')
    assert.ok(system.requests - before < 3, `${system.requests - before} requests for the rest`)
    assert.equal(Object.keys(await stored()).length, 7)
    assert.deepEqual(
      (await runs()).map((r) => r.state),
      ['STOPPED', 'DONE'],
    )
  })

  test('that has expired is a visible state until everything was read again', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan')
    await run('customers', { connection: mapConnection(system, { positionMs: -1 }) })
    system.vanish('customers', '1')
    system.put('customers', '2', { name: 'Bea B.' })
    let seen = ''
    system.onPage = async () => {
      const { state, code, rescan_since } = await stateOf()
      seen = `${state} ${code} ${rescan_since instanceof Date}`
    }
    assert.equal((await run()).ended, 'DONE')
    assert.equal(seen, 'RESCAN POSITION_EXPIRED true')
    assert.deepEqual(
      (await runs()).map((r) => [r.mode, r.state, r.code]),
      [
        ['FULL', 'DONE', null],
        ['DELTA', 'FAILED', 'POSITION_EXPIRED'],
        ['FULL', 'DONE', null],
      ],
    )
    const state = await stateOf()
    assert.deepEqual([state.state, state.code, state.rescan_since], ['IDLE', null, null])
    assert.deepEqual(
      await stored(),
      { 1: 'Ada', 2: 'Bea B.', 3: 'Cid', 4: 'Dan' },
      'a full run deletes nothing that it does not see',
    )
  })

  test('that the system refuses while everything is read again is a failure, not a loop', async () => {
    put('Ada')
    system.onPage = () => {
      throw failure('GONE', 'CURSOR_EXPIRED')
    }
    const result = await run()
    assert.equal(result.ended, 'FAILED')
    const state = await stateOf()
    assert.deepEqual([state.state, state.code, state.verdict], ['FAILED', 'CURSOR_EXPIRED', 'GONE'])
  })
})

describe('a lease', () => {
  test('that was lost stores no page, and its run is lost', async () => {
    put('Ada', 'Bea')
    const slow = await claim('customers')
    const slowRun = await beginRun(db.sql, slow.lease, 'FULL')
    assert.equal(await claimObject(db.sql, randomUUID(), slow.lease, true), null, 'it is held')
    await db.sql`update sync_state set leased_until = clock_timestamp() - interval '1 second'`
    assert.equal((await listDue(db.sql, ['shop'])).length, 1)
    const other = await claim('customers', randomUUID())
    assert.equal(other.lease.fence, slow.lease.fence + 1)
    const page = {
      rows: [],
      position: { mode: 'FULL' as const, at: 'of the slow holder', expiresAt: null },
      last: false,
      total: null,
    }
    await assert.rejects(storePage(db.sql, slowRun, shop, page, []), LeaseLost)
    assert.equal((await stateOf()).position, null)
    assert.deepEqual(
      (await runs()).map((r) => [r.state, r.code]),
      [['LOST', 'LEASE_LOST']],
    )
  })

  test('keeps others from the whole source system, whose limits one process counts', async () => {
    put('Ada')
    system.put('notes', 'n1', { name: 'a note' })
    await claim('customers')
    await addObjects(db.sql, 'shop', ['notes'])
    const notes = { source: 'shop', object: 'notes' }
    assert.equal(await claimObject(db.sql, randomUUID(), notes), null)
    assert.ok(await claimObject(db.sql, holder, notes), 'the same process may read it too')
  })

  test('shares objects between workers: each row is stored once', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan', 'Eve')
    system.unversioned.add('notes')
    system.put('notes', 'n1', { name: 'a note' })
    await addObjects(db.sql, 'shop', ['customers', 'notes'])
    const signal = new AbortController().signal
    const work = async () => {
      const ended: string[] = []
      const by = randomUUID()
      for (const due of await listDue(db.sql, ['shop'])) {
        const claimed = await claimObject(db.sql, by, due)
        if (claimed) ended.push((await runObject(tools(), claimed, signal)).ended)
      }
      return ended
    }
    const ended = (await Promise.all([work(), work(), work()])).flat()
    assert.deepEqual(ended, ['DONE', 'DONE'])
    assert.deepEqual([...(await runs())].map((r) => r.messages).sort(), [1, 5])
  })
})

describe('a failure', () => {
  test('is shown with its verdict and time, and what was stored stays', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan')
    const notBefore = Date.now() + 10 * hour
    system.onPage = (_, page) => {
      if (page === 1) throw failure('WAIT', 'RATE_LIMITED', notBefore)
    }
    const result = await run()
    assert.ok(result.ended === 'FAILED' && result.dueAt === notBefore)
    const { state, code, verdict, attempts, within_run } = await stateOf()
    assert.deepEqual(
      [state, code, verdict, attempts, within_run],
      ['FAILED', 'RATE_LIMITED', 'WAIT', 1, true],
    )
    system.onPage = () => {}
    assert.equal((await run()).ended, 'DONE')
    const { state: now, failed_since } = await stateOf()
    assert.deepEqual([now, failed_since], ['IDLE', null])
    assert.equal(Object.keys(await stored()).length, 4)
  })

  test('of an object without a mapping is a clear state', async () => {
    system.put('rockets', '1', {})
    const result = await run('rockets')
    assert.ok(result.ended === 'FAILED' && result.problem.code === 'UNKNOWN_OBJECT')
  })
})

describe('a census', () => {
  test('is due a while after the first load, however often the object was read since', async () => {
    system.censused.add('customers')
    await run('customers', { censusEveryMs: 3_600_000 })
    await run('customers', { censusEveryMs: 3_600_000 })
    const runs = async () => (await db.sql`select from sync_run where mode = 'CENSUS'`).length
    assert.equal(await runs(), 0)
    await db.sql`update sync_state set census_at = census_at - interval '1 hour'`
    await run('customers', { censusEveryMs: 3_600_000 })
    assert.equal(await runs(), 1)
  })

  test('is not taken while all deletions are known without it', async () => {
    system.censused.add('customers')
    const now = Date.now()
    const runs = async (known: { from: number; to: number }) => {
      system.known.set('customers', known)
      await db.sql`truncate sync_run`
      await db.sql`update sync_state set census_at = clock_timestamp() - interval '2 hours'`
      await run('customers', { censusEveryMs: 3_600_000 })
      return (await db.sql`select from sync_run where mode = 'CENSUS'`).length
    }
    await run('customers', { censusEveryMs: 3_600_000 })
    assert.equal(await runs({ from: now - 10_800_000, to: now - 60_000 }), 0)
    // Since a rescan only, and not for an hour.
    assert.equal(await runs({ from: now - 60_000, to: now }), 1)
    assert.equal(await runs({ from: now - 10_800_000, to: now - 4_000_000 }), 1)
    system.known.clear()
  })

  test('a note of a run stands beside IDLE until a run has none', async () => {
    system.note = new ConnectionError('FORBIDDEN', 'PERMISSION_MISSING', 'no exports')
    await run('customers')
    const noted = await stateOf()
    assert.deepEqual([noted.state, noted.code], ['IDLE', 'PERMISSION_MISSING'])
    const [last] = await db.sql`select state, code from sync_run order by id desc limit 1`
    assert.deepEqual({ ...last }, { state: 'DONE', code: 'PERMISSION_MISSING' })
    system.note = undefined
    await run('customers')
    assert.equal((await stateOf()).code, null)
  })

  test('deletes what the system no longer has; a row that comes back counts again', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan')
    system.censused.add('customers')
    await run()
    await stored()
    system.vanish('customers', '1')
    system.hidden.add('2')
    await run()
    assert.deepEqual(await stored(), { 2: 'Bea', 3: 'Cid', 4: 'Dan' }, 'a hidden row is read first')
    assert.equal((await db.sql`select from census_seen`).length, 0)
    system.put('customers', '1', { name: 'Ada' }, Date.parse('2026-01-01T00:00:00.001Z'))
    await db.sql`update sync_state set position = null`
    await run()
    assert.deepEqual(await stored(), { 1: 'Ada', 2: 'Bea', 3: 'Cid', 4: 'Dan' })
    const connection = mapConnection(system)
    let lists = 0
    const census: Connection['census'] = (object, signal) => {
      if (++lists === 2) system.hidden.clear()
      return connection.census(object, signal)
    }
    const read = () => Promise.reject(failure('PERMANENT', 'NO_READ'))
    system.vanish('customers', '4')
    await run('customers', { connection: { ...connection, census, read } })
    assert.deepEqual(await stored(), { 1: 'Ada', 2: 'Bea', 3: 'Cid' }, 'listed twice')
  })

  test('deletes a record that was merged: the system returns the other one for it', async () => {
    put('Ada', 'Bea', 'Cid')
    system.censused.add('customers')
    await run()
    await stored()
    system.vanish('customers', '2')
    const read: Connection['read'] = async (object, id) => system.row(object, id === '2' ? '1' : id)
    await run('customers', { connection: { ...mapConnection(system), read } })
    assert.deepEqual(await stored(), { 1: 'Ada', 3: 'Cid' })
  })

  test('that fails is shown, and does not hold back the pulls', async () => {
    put('Ada')
    system.censused.add('customers')
    const connection = mapConnection(system)
    const census = () => {
      throw failure('FORBIDDEN', 'HTTP_403')
    }
    const result = await run('customers', { connection: { ...connection, census } })
    assert.ok(result.ended === 'DONE' && result.asks?.code === 'HTTP_403')
    const { state, code, verdict, success_at } = await stateOf()
    assert.deepEqual([state, code, verdict], ['IDLE', 'HTTP_403', 'FORBIDDEN'])
    assert.ok(success_at instanceof Date)
    await run()
    assert.equal((await stateOf()).code, null)
  })

  test('that would delete too much asks, and then does what it is allowed', async () => {
    put(...Array.from({ length: 12 }, (_, n) => `No ${n}`))
    system.censused.add('customers')
    await run()
    await stored()
    for (let n = 1; n <= 11; n++) system.vanish('customers', String(n))
    const result = await run()
    assert.ok(result.ended === 'DONE' && result.asks?.code === 'CENSUS_TOO_MANY')
    const { state, code, census_missing } = await stateOf()
    assert.deepEqual([state, code, census_missing], ['IDLE', 'CENSUS_TOO_MANY', 11])
    assert.equal(Object.keys(await stored()).length, 12)
    await db.sql`update sync_state set census_allowed = 11`
    await run()
    assert.deepEqual(await stored(), { 12: 'No 11' })
    assert.deepEqual([(await stateOf()).code, (await stateOf()).census_missing], [null, null])
  })
})

describe('records that events name', () => {
  const hint = (id: string | null, gone = false): DeliveredMessage => ({
    ...{ source: 'shop', messageId: `e-${randomUUID()}`, object: 'customers', format: 'event' },
    ...{ body: '{}', correlationId: randomUUID(), hints: [{ object: 'customers', id, gone }] },
  })
  const deliver = (...hints: DeliveredMessage[]) => acceptDelivery(db.sql, hints)
  const waiting = async () => [
    ...(await db.sql<{ id: string; code: string | null; gone: boolean; attempts: number }[]>`
      select id, code, gone, attempts from read_hint order by id`),
  ]
  /** Claims what is due, as the scheduler does. */
  const work = async (more: Partial<RunTools> = {}) => {
    const results = []
    for (const due of await listDue(db.sql, ['shop'])) {
      const claimed = await claimObject(db.sql, holder, due)
      if (claimed) results.push(await runObject(tools(more), claimed, new AbortController().signal))
    }
    return results
  }
  beforeEach(async () => {
    put('Ada', 'Bea', 'Cid')
    await run()
    await stored()
    system.reads.length = 0
  })

  test('are read before the next pull, which stays due as it was', async () => {
    const { due_at } = await stateOf()
    system.put('customers', '2', { name: 'Bea B.' })
    system.put('customers', '7', { name: 'Gil' })
    const events = [hint('2'), hint('7'), hint('2')]
    assert.deepEqual(pick(await deliver(...events)), { accepted: 2, duplicates: 1 })
    assert.deepEqual(pick(await deliver(hint('7'))), { accepted: 0, duplicates: 1 })
    const [result] = await work()
    assert.deepEqual(result?.ended === 'DONE' && result.hints.read, {
      ...{ records: 2, messages: 2, waiting: 0 },
    })
    assert.deepEqual(system.reads, [['2', '7']])
    assert.deepEqual(await stored(), { 1: 'Ada', 2: 'Bea B.', 3: 'Cid', 7: 'Gil' })
    assert.deepEqual(await waiting(), [])
    const after = await stateOf()
    assert.deepEqual([after.state, after.due_at, after.leased_by], ['IDLE', due_at, null])
    assert.equal((await runs()).length, 1, 'no pull')
    const [row] = await db.sql`select correlation_id from inbox where body like '%Gil%'`
    assert.equal(row?.correlation_id, events[1]?.correlationId, 'that of the delivery')
    await run()
    assert.equal((await runs()).at(-1)?.messages, 0, 'the pull finds nothing new')
  })

  test('and are gone are deleted only where an event said so; the others wait with a reason', async () => {
    system.vanish('customers', '1')
    system.vanish('customers', '2')
    system.refusals.set('3', failure('INVALID', 'ROWS_MISSING'))
    await deliver(hint('1', true), hint('2'), hint('3'))
    await work()
    assert.deepEqual(await stored(), { 2: 'Bea', 3: 'Cid' })
    assert.deepEqual(await waiting(), [
      { id: '2', code: 'RECORD_MISSING', gone: false, attempts: 1 },
      { id: '3', code: 'ROWS_MISSING', gone: false, attempts: 1 },
    ])
    assert.deepEqual(await work(), [], 'they are not tried again at once')
    const [status] = await readStates(db.sql, {}, 1)
    assert.deepEqual([status?.hints, status?.hintsHeld], [2, 2])
    assert.match(status?.hintHeldDetail ?? '', /no such record; no event says that it was deleted/)
    await deliver(hint('2', true))
    await work()
    assert.deepEqual(await stored(), { 3: 'Cid' })
    await control('RESCAN')
    await work()
    assert.deepEqual(await waiting(), [], 'a run that read everything after them ends all')
  })

  test('stay while the object is paused or fails, and are first when it goes on', async () => {
    put('Ada 2')
    await deliver(hint('1'))
    await control('PAUSE')
    assert.deepEqual(await work(), [])
    await control('RESUME')
    system.onPage = () => {
      throw failure('RETRY', 'HTTP_503')
    }
    system.onRead = () => {
      throw failure('RETRY', 'HTTP_503')
    }
    const [failed] = await work()
    assert.equal(failed?.ended, 'FAILED')
    await deliver(hint('2'))
    assert.deepEqual(await work(), [], 'the object waits for its next attempt')
    assert.equal((await waiting()).length, 2)
    system.onPage = system.onRead = () => {}
    await db.sql`update sync_state set due_at = clock_timestamp(), hints_due_at = null`
    assert.equal((await work())[0]?.ended, 'DONE')
    assert.deepEqual(system.reads.at(-1)?.toSorted(), ['1', '2'])
    assert.deepEqual(await waiting(), [])
  })

  test('that cannot be read hold back no pull, and are not asked for in a loop', async () => {
    system.onRead = () => {
      throw failure('FORBIDDEN', 'HTTP_403')
    }
    put('Ada 2')
    await deliver(hint('1'))
    const [result] = await work()
    assert.equal(result?.ended === 'DONE' && result.hints.problem?.code, 'HTTP_403')
    await deliver(hint('2'))
    assert.deepEqual(await work(), [])
    const { hint_code, hint_attempts, state, code } = await stateOf()
    assert.deepEqual([hint_code, hint_attempts, state, code], ['HTTP_403', 1, 'IDLE', null])
    await run()
    assert.equal((await stored())[1], 'Ada 2', 'the pull goes on')
    assert.deepEqual(
      (await waiting()).map((w) => w.id),
      ['2'],
      'what it read needs no further reading',
    )
  })

  test('stay where another event comes while they are read', async () => {
    put('Ada 2')
    await deliver(hint('1'))
    system.onRead = async () => {
      if (system.reads.length === 1) await deliver(hint('1'))
    }
    await work()
    assert.equal(system.reads.length, 2, 'read again')
    assert.deepEqual(await waiting(), [])
  })

  test('of a flood are read by the pull, at once; so is an object that an event names alone', async () => {
    const ids = Array.from({ length: 600 }, (_, n) => `f${n}`)
    for (const id of ids) system.put('customers', id, { name: id })
    system.pageRows = 200
    await deliver(...ids.map((id) => hint(id)))
    const [result] = await work()
    assert.ok(result?.ended === 'DONE')
    assert.deepEqual(system.reads, [], 'no record is read by itself')
    assert.deepEqual((await runs()).at(-1), {
      ...{ mode: 'DELTA', state: 'DONE', rows: 600, messages: 600, code: null },
    })
    assert.deepEqual(await waiting(), [])
    put('Ada 3')
    await deliver(hint(null))
    await work()
    assert.deepEqual([(await runs()).at(-1)?.rows, await waiting()], [1, []])
  })

  const control = (kind: ControlKind) =>
    controlSync(
      { sql: db.sql, rules: DEFAULT_RULES, objects: new Map([['shop', ['customers']]]) },
      {
        ...{ actor: 'olga', roles: new Set(['integrator']), scopes: new Set<string>() },
        correlationId: randomUUID(),
      },
      kind,
      { source: 'shop', object: 'customers' },
      { reason: 'a test', idempotencyKey: randomUUID() },
    )
  const pick = ({ accepted, duplicates }: { accepted: number; duplicates: number }) => ({
    ...{ accepted, duplicates },
  })
})

describe('the scheduler', () => {
  const ended: string[] = []
  const started: PullScheduler[] = []
  const schedule = (more: Partial<SchedulerOptions> = {}, calendar: ClosedTime[] = []) => {
    const connection = mapConnection(system)
    const source: PulledSource = {
      objects: connection.objects,
      connectionFor: () => connection,
      reader: () => shop,
      everyMs: hour,
      censusEveryMs: 0,
      calendar,
    }
    const scheduler = new PullScheduler({
      sql: db.sql,
      sources: new Map([['shop', source]]),
      holder: randomUUID(),
      backlogMax: 10_000,
      onEnd: (due, result) => ended.push(`${due.object} ${result.ended}`),
      onAway: (error) => assert.fail(String(error)),
      ...more,
    })
    scheduler.start()
    started.push(scheduler)
    return scheduler
  }
  const until = async (check: () => boolean | Promise<boolean>) => {
    for (let n = 0; !(await check()); n++) {
      assert.ok(n < 400, `not in time: ${ended.join(', ')}`)
      await sleep(25)
    }
  }
  const control = (kind: ControlKind, idempotencyKey: string, source = 'shop') =>
    controlSync(
      {
        sql: db.sql,
        rules: DEFAULT_RULES,
        objects: new Map([['shop', [...system.objects.keys()]]]),
      },
      {
        actor: 'olga',
        roles: new Set(['integrator']),
        scopes: new Set<string>(),
        correlationId: randomUUID(),
      },
      kind,
      { source, object: 'customers' },
      { reason: 'a test', idempotencyKey },
    )
  afterEach(async () => {
    for (const s of started.splice(0)) await s.stop()
    ended.length = 0
  })

  test('of two processes reads each object once; one that fails stops no other', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan')
    system.unversioned.add('notes')
    system.put('notes', 'n1', { name: 'a note' })
    system.put('rockets', 'r1', {})
    schedule()
    schedule()
    await until(() => ended.length === 3)
    assert.deepEqual(ended.toSorted(), ['customers DONE', 'notes DONE', 'rockets FAILED'])
    assert.deepEqual((await runs()).map((r) => r.messages).sort(), [1, 4])
    assert.ok((await stateOf('rockets')).due_at > new Date())
  })

  test('stops after the page under way, and another process goes on', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan', 'Eve', 'Fay', 'Gil')
    const reached = Promise.withResolvers<void>()
    system.onPage = async (_, page) => {
      if (page !== 2) return
      reached.resolve()
      await sleep(20)
    }
    const first = schedule()
    await reached.promise
    await first.stop()
    assert.deepEqual(ended, ['customers STOPPED'])
    system.onPage = () => {}
    schedule()
    await until(() => ended.includes('customers DONE'))
    assert.equal(Object.keys(await stored()).length, 7)
    assert.equal((await stateOf()).rows, 7, 'no row is read twice')
  })

  test('a system that closes is not asked; the run goes on from its last page when it opens', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan', 'Eve', 'Fay', 'Gil')
    const closed = { from: Date.now() + 100, to: Date.now() + 2_500 }
    const asked: number[] = []
    system.onPage = async () => {
      asked.push(Date.now())
      if (Date.now() < closed.to) await sleep(700)
    }
    schedule({}, [{ holds: ['PULL'], why: 'moving house', ...closed }])
    await until(() => ended.includes('customers DONE'))
    assert.deepEqual(ended, ['customers STOPPED', 'customers DONE'])
    // The scheduler looks once a second.
    assert.equal(asked.filter((t) => t > closed.from + 1_100 && t < closed.to).length, 0)
    assert.equal(Object.keys(await stored()).length, 7)
    assert.equal((await stateOf()).rows, 7, 'no row is read twice')
  })

  test('does what a person asks: pause, resume, rescan', async () => {
    put('Ada', 'Bea')
    schedule()
    await until(() => ended.length === 1)
    assert.equal((await control('PAUSE', 'one')).code, 'DONE')
    const { state, code, detail, actor } = await stateOf()
    assert.deepEqual([state, code, detail, actor], ['PAUSED', 'PAUSED', 'a test', 'olga'])
    await control('RUN', 'two')
    await sleep(50)
    assert.equal(ended.length, 1, 'a paused object is not read')
    await control('RESUME', 'three')
    await until(() => ended.length === 2)
    await control('RESCAN', 'four')
    await until(() => ended.length === 3)
    assert.deepEqual((await runs()).map((r) => [r.mode, r.rows]).at(-1), ['FULL', 2])
    await control('RESCAN', 'four')
    await sleep(50)
    assert.equal(ended.length, 3, 'a repeated request changes nothing')
    assert.deepEqual(await control('PAUSE', 'five', 'nowhere'), {
      code: 'REFUSED',
      rule: 'UNKNOWN_SOURCE',
      detail:
        'no source system "nowhere" has connection: or files: in config/sources.yaml; there are: shop',
    })
    const events = await db.sql`select event from audit order by id`
    assert.deepEqual(
      events.map((e) => e.event),
      ['PAUSE_SYNC', 'RUN_SYNC', 'RESUME_SYNC', 'RESCAN_SYNC'],
    )
  })

  test('a pause ends the run under way: its page is not stored', async () => {
    put('Ada', 'Bea', 'Cid', 'Dan', 'Eve', 'Fay', 'Gil')
    system.onPage = async (_, page) => {
      if (page === 1) await control('PAUSE', 'one')
    }
    schedule()
    await until(() => ended.length === 1)
    assert.deepEqual(ended, ['customers FENCED'])
    assert.ok((await stateOf()).rows < 7)
    assert.deepEqual(
      (await runs()).map((r) => [r.state, r.code]),
      [['STOPPED', 'PAUSE']],
    )
  })
})

describe('the command sync, and the role pull', () => {
  let http: HttpShop
  before(async () => {
    http = await startHttpShop()
  })
  after(() => http?.close())
  const sync = async (...args: string[]) => {
    const env = { DATABASE_URL: db.url, TOUCHSTONE_SOURCES: http.sources, SHOP_KEY: http.key }
    return await runCommand(command, args, env)
  }

  test('reads over HTTP, shows states and runs, and does what it is asked', async () => {
    for (const id of ['1', '2', '3', '4'])
      http.rows.set(id, { id, name: `No ${id}`, modified: '2026-03-01T00:00:00Z' })
    const first = await sync('run', 'shop')
    assert.equal(first.code, 0, first.output)
    assert.match(first.output, /shop\/customers: complete\n {2}FULL: 4 rows, 4 new, 0 deletions\n$/)
    assert.deepEqual(Object.keys(await stored()), ['1', '2', '3', '4'])
    const status = await sync('status', '--runs', '5')
    assert.equal(status.code, 0, status.output)
    assert.match(status.stdout, /shop\/customers +IDLE +4 rows/)
    assert.match(status.stdout, /FULL +DONE .*2 pages, 4 rows, 4 new, 0 deletions, 2 requests/)
    http.rows.delete('4')
    assert.equal((await sync('run', 'shop', '--census')).code, 0)
    assert.deepEqual(Object.keys(await stored()), ['1', '2', '3'])

    const paused = await sync('pause', 'shop', '--reason', 'maintenance')
    assert.match(paused.output, /shop: customers paused/)
    const refused = await sync('run', 'shop')
    assert.equal(refused.code, 1)
    assert.match(refused.output, /is paused \(maintenance\)/)
    await sync('resume', 'shop', '--reason', 'done')

    http.status = 403
    const failed = await sync('run', 'shop', '--json')
    assert.equal(failed.code, 1)
    const { ended, problem } = JSON.parse(failed.stdout)
    assert.deepEqual([ended, problem.verdict], ['FAILED', 'FORBIDDEN'])
    assert.ok(!failed.output.includes(http.key), 'the secret is not shown')
    const seen = await sync('status', '--json')
    assert.equal(seen.code, 1)
    assert.equal(JSON.parse(seen.stdout).state, 'FAILED')
    http.status = 200
    assert.match((await sync('rescan', 'nowhere', '--reason', 'x')).output, /UNKNOWN_SOURCE/)
    await sync('rescan', 'shop', '--reason', 'corrected')
    assert.match((await sync('status')).stdout, /RESCAN_REQUESTED since .*: corrected/)
  })

  test('the role reads what is due, and stops', async () => {
    http.rows.clear()
    http.rows.set('9', { id: '9', name: 'No 9', modified: '2026-03-01T00:00:00Z' })
    process.env.SHOP_KEY = http.key
    const role = await startPullRole({
      config: { pullBacklogMax: 1_000, writesDaysMax: 400 },
      installation: openInstallation(http.sources),
      databaseUrl: db.url,
      log: openLog('silent', 'test'),
    })
    try {
      for (let n = 0; n < 400 && !(await runs()).some((r) => r.state === 'DONE'); n++)
        await sleep(25)
      assert.deepEqual(await stored(), { 9: 'No 9' })
      assert.ok((role.sources[0]?.counts().requests ?? 0) > 0)
    } finally {
      await role.close()
    }
    const [held] = await db.sql`select from sync_state where leased_by is not null`
    assert.equal(held, undefined)
  })
})
