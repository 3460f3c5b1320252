import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { type FieldbookSystem, fieldbook } from '../../demo/systems/fieldbook/fieldbook.ts'
import type { Fault } from '../../demo/systems/kit/faults.ts'
import { createIngest } from '../../gateway/ingest/deliveries.ts'
import { acceptDelivery } from '../../mdm/connections/hints/addHints.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { type KindCase, openPulled, Secret } from './pulledSystem.ts'
import { openWritten as openWrittenSystem } from './writtenSystem.ts'

// A system that no kind knows, connected as a customer does it: by two files, written from the
// vendor's page alone (test/fixtures/fieldbook). The model of the vendor judges them.

const FIELDBOOK: KindCase = {
  model: fieldbook,
  role: 'CRM',
  files: {
    definition: 'test/fixtures/fieldbook/connection.yaml',
    mapping: 'test/fixtures/fieldbook/mapping.yaml',
  },
  connection: ({ credentials: { token, account }, url }) => ({
    ...{ base: url, account, token: new Secret(token), perMinute: 1_000_000 },
  }),
  webhookSecret: ({ credentials }) => credentials.webhookSecret,
  write: {
    mode: 'on',
    Customer: {
      update: ['name', 'billingAddress'],
      create: { when: { lifecycle: ['CUSTOMER'] }, fields: ['lifecycle', 'emails'] },
    },
    limits: { perMinute: 100_000, perDay: 1_000_000, changedRecordsMax: 100_000 },
  },
}

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen, read_hint`
  await db.sql`truncate write_due, write_intent, write_target, written_value, written_record, task cascade`
})
after(async () => await db?.drop())

async function open(t: TestContext) {
  const pulled = await openPulled(db.sql, FIELDBOOK)
  t.after(() => pulled.close())
  const system = pulled.system as FieldbookSystem
  const ids = (object: string) =>
    [...system.state(object)].filter(([, row]) => !row.deleted).map(([id]) => id)
  /** The store has what the vendor has, and the vendor understood each request. */
  const equal = async (when: string) => {
    assert.deepEqual((await pulled.differences()).slice(0, 6), [], when)
    assert.deepEqual(system.requests().unknown, [], when)
  }
  return { ...pulled, system, ids, equal }
}

const FAULTS: readonly [Fault, number][] = [
  [{ kind: 'status', status: 503 }, 2],
  [{ kind: 'status', status: 429 }, 2],
  [{ kind: 'status', status: 502 }, 1],
  [{ kind: 'cut', after: 'nothing' }, 1],
  [{ kind: 'cut', after: 'half' }, 1],
  [{ kind: 'invalidJson' }, 1],
  [{ kind: 'expired', what: 'cursor' }, 1],
  [{ kind: 'expired', what: 'token' }, 1],
]
const records = Number(process.env.TOUCHSTONE_PULL_RECORDS ?? 104)

describe('a system without a kind, against the model of its vendor', () => {
  test('is read as a whole, and after days with faults, merges and deletions', async (t) => {
    const { system, pull, equal, ids, env, rereadDifferences } = await open(t)
    system.fill(records, 1)
    await pull()
    await equal('after the full load')
    assert.deepEqual(await rereadDifferences(), [])
    for (let day = 1; day <= 2; day++) {
      for (const [fault, times] of FAULTS) system.faults.add(fault, undefined, times)
      system.faults.late(5_000, 3)
      system.day(40, day)
      const [loser = '', winner = '', gone = ''] = ids('organizations')
      system.merge(loser, winner)
      system.remove('organizations', gone)
      env.FIELDBOOK_TOKEN = system.replaceToken()
      await pull()
      system.clock.advance(3_600_000)
      await pull()
      await equal(`day ${day}`)
    }
    const met = system.faults.met()
    for (const kind of ['status', 'cut', 'invalidJson', 'expired', 'late'] as const)
      assert.ok(met.has(kind), `a fault of the kind ${kind} was met`)
    const [exceptions] = await db.sql<{ count: number }[]>`
      select count(*)::int as count from outcome where outcome = 'EXCEPTION'`
    assert.equal(exceptions?.count, 0)
  })

  test('reads all records again where its deletions are no longer kept', async (t) => {
    const { system, pull, equal, ids } = await open(t)
    system.fill(12, 1)
    await pull()
    system.clock.advance(60_000)
    await pull()
    for (const object of ['deals', 'people']) system.remove(object, ids(object)[0] ?? '')
    // The position is valid for 10 days; with its overlap it asks for what is a minute older.
    system.clock.advance(10 * 86_400_000 - 60_000)
    await pull()
    const codes = await db.sql<{ object: string; code: string }[]>`
      select distinct object, code from sync_run where code is not null order by object`
    assert.deepEqual(
      codes.map(({ object }) => object),
      ['deals', 'organizations', 'people'],
      'the vendor refused the old bound',
    )
    await equal('after the rescan and its census')
  })
})

describe('its webhooks', () => {
  test('name records that are read again; nobody else can send them', async (t) => {
    const { system, pull, equal, ids, connector, readNamed } = await open(t)
    system.fill(12, 1)
    await pull()
    const ingest = createIngest({
      sources: new Map([['fieldbook', connector]]),
      accept: (messages) => acceptDelivery(db.sql, messages),
      isSecret: () => false,
      now: () => system.clock.now(),
      report: (e) => console.error(e),
    })
    const server = createServer((req, res) => {
      void ingest(req, res, { source: 'fieldbook', correlationId: randomUUID() })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    system.webhooks.register(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

    system.clock.advance(1_000)
    const [loser = '', winner = '', gone = ''] = ids('organizations')
    system.put('organizations', { id: winner, name: 'Renamed GmbH' })
    system.merge(loser, winner)
    system.remove('organizations', gone)
    system.put('people', { id: ids('people')[0] ?? '', job_title: 'CFO' })
    assert.deepEqual(await system.webhooks.deliver({ forge: true }), [401])
    assert.deepEqual(await system.webhooks.deliver({ agedSeconds: 301 }), [401])
    assert.deepEqual(await hinted(), 0, 'what nobody signed names no record')
    system.webhooks.replaceSecret()
    assert.deepEqual(await system.webhooks.deliver({ repeat: true, reverse: true }), [202, 200])
    assert.ok((await hinted()) > 3)
    const runs = await runCount()
    await readNamed()
    assert.equal(await hinted(), 0)
    assert.equal(await runCount(), runs, 'no pull')
    await equal('by the events alone')
  })

  const hinted = async () =>
    (await db.sql<{ n: number }[]>`select count(*)::int as n from read_hint`)[0]?.n ?? 0
  const runCount = async () =>
    (await db.sql<{ n: number }[]>`select count(*)::int as n from sync_run`)[0]?.n ?? 0
})

describe('what is written to it', () => {
  const address = { line2: null, region: null, postal_code: '24103', country: 'DE' }
  const vat = 'DE129273398'
  const ada = {
    ...{ name: 'Ada Lovelace', status: 'customer' },
    tax_registrations: [{ country: 'DE', kind: 'vat', number: vat }],
    addresses: {
      billing: { ...address, line1: 'Speicherstraße 7', city: 'Kiel' },
      shipping: { ...address, line1: 'Hafen 1', city: 'Lübeck' },
    },
    custom: { segment: 'B', credit_limit: 50_000, master_id: null },
  }
  const golden = { name: 'Ada Lovelace SE', taxIds: [vat], lifecycle: 'CUSTOMER' }
  const street = { street: 'Speicherstraße 7', city: 'Köln', postcode: '50667', country: 'DE' }

  async function openWritten(t: TestContext) {
    const pulled = await open(t)
    const { system } = pulled
    const written = openWrittenSystem(db.sql, 'fieldbook', pulled)
    const intents = async () => (await written.intents()).map((i) => `${i.operation} ${i.state}`)
    const recordOf = (id: string) => system.state('organizations').get(id)?.record
    /** Requests of ours that were executed, by what they did. */
    const done = () =>
      system.writes().filter(({ by, object }) => by === 'api' && object === 'organizations')
    return { ...pulled, ...written, intents, recordOf, done }
  }

  test('an update replaces an address and keeps the other, and the fields of the account', async (t) => {
    const { system, pull, state, write, recordOf, differences, intents, done } =
      await openWritten(t)
    const id = system.put('organizations', ada)
    await pull()
    await state('erp', '1', golden)
    await state('billing', '1', { ...golden, billingAddress: street })
    for (const status of [409, 503, 429, 412])
      system.faults.add({ kind: 'status', status }, /^PATCH/)
    await write()
    const { name, addresses, custom } = recordOf(id) ?? {}
    assert.equal(name, 'Ada Lovelace SE')
    assert.deepEqual(addresses, {
      billing: { ...ada.addresses.billing, city: 'Köln', postal_code: '50667' },
      shipping: ada.addresses.shipping,
    })
    assert.deepEqual(custom, ada.custom)
    assert.ok((await intents()).every((one) => /^UPDATE (DONE|CONFLICT)$/.test(one)))
    assert.equal(done().length, 1, 'one request changed it')
    system.clock.advance(60_000)
    await pull()
    await write()
    assert.equal(done().length, 1, 'its own value is no news')
    // What was written is no statement of the vendor's: its own value stays in the store.
    const own = (await differences()).map((text) => text.replace(/.*: (\S+) is .*/, '$1'))
    assert.deepEqual(own, ['name', 'addresses.billing.city', 'addresses.billing.postal_code'])
    assert.deepEqual(system.requests().unknown, [])
  })

  test('a change of a user meanwhile is a conflict, and is planned again', async (t) => {
    const { system, pull, state, plan, write, recordOf, intents } = await openWritten(t)
    const id = system.put('organizations', { ...ada, name: 'Ada Lovlace SE' })
    await pull()
    await state('erp', '1', golden)
    await plan()
    assert.deepEqual(await intents(), ['UPDATE PLANNED'])
    system.clock.advance(1_000)
    system.put('organizations', { id, name: 'Ada of a user' })
    await write()
    assert.ok((await intents()).includes('UPDATE CONFLICT'))
    assert.equal(recordOf(id)?.name, 'Ada Lovelace SE')
    assert.deepEqual(system.requests().unknown, [])
  })

  test('a part that came while a group is written is a conflict, and is not lost', async (t) => {
    const { system, connection, recordOf } = await openWritten(t)
    const id = system.put('organizations', {
      ...ada,
      addresses: { ...ada.addresses, shipping: null },
    })
    const { signal } = new AbortController()
    const expected = await connection.read('organizations', id, signal)
    system.put('organizations', { id, addresses: ada.addresses })
    const write = { object: 'organizations', id, goldenId: randomUUID(), key: randomUUID() }
    await assert.rejects(
      connection.writing.write(
        { ...write, values: { 'addresses.billing.city': 'Köln' }, expected },
        signal,
      ),
      /the record has changed at addresses\.shipping/,
    )
    assert.deepEqual(recordOf(id)?.addresses, ada.addresses)
  })

  for (const [what, fault] of [
    ['500 after the write', { kind: 'afterWrite', status: 500 }],
    ['a cut after the write', { kind: 'cut', after: 'execution' }],
    ['a cut before it', { kind: 'cut', after: 'nothing' }],
    ['busy', { kind: 'status', status: 503 }],
  ] as const)
    test(`one record is created: ${what}`, async (t) => {
      const { system, pull, state, write, ids, recordOf, intents, equal, done } =
        await openWritten(t)
      await pull()
      system.faults.add(fault, /^POST \/api\/v3\/organizations/)
      await state('erp', '1', { ...golden, emails: ['info@ada.example'] })
      await write()
      const [id = '', ...others] = ids('organizations')
      assert.deepEqual(others, [])
      assert.deepEqual(
        [recordOf(id)?.name, recordOf(id)?.status, recordOf(id)?.email],
        ['Ada Lovelace SE', 'customer', 'info@ada.example'],
      )
      assert.ok(system.faults.met().has(fault.kind))
      assert.deepEqual(await intents(), ['CREATE DONE'])
      assert.equal(done().length, 1)
      const [record] = await db.sql<{ id: string }[]>`select id from golden where state = 'ACTIVE'`
      assert.equal(recordOf(id)?.external_id, record?.id)
      system.clock.advance(60_000)
      await pull()
      await equal('after the create')
    })
})
