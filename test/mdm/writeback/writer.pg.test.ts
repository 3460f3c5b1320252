import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../../../cli/commands/sync.ts'
import type { WriteTarget } from '../../../connectors/writeTarget.ts'
import { accept } from '../../../mdm/inbox/accept.ts'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { planDue } from '../../../mdm/writeback/planDue.ts'
import { registerTargets } from '../../../mdm/writeback/registerTargets.ts'
import { runCommand } from '../../cli/runCommand.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { drain, empty, policy, send } from '../../fixtures/store.ts'
import {
  definition,
  type Fault,
  type HttpTarget,
  mapping,
  type Once,
  openHttpTarget,
  shopTarget,
  startHttpTarget,
} from './httpTarget.ts'
import { markLoaded } from './loadedObject.ts'
import { emptyAll, runShop, shopPipeline } from './shopRun.ts'

let db: TestDatabase
let pipeline: Pipeline
let system: HttpTarget
before(async () => {
  db = await testDatabase()
  pipeline = shopPipeline(db.sql)
})
beforeEach(async () => {
  await emptyAll(db.sql)
  await markLoaded(db.sql, 'shop', 'customers')
})
afterEach(async () => await system?.close())
after(async () => await db?.drop())

let version = 0
async function state(id: string, fields: Record<string, unknown>): Promise<void> {
  const message = { type: 'Customer', id, version: ++version * 1_000_000, fields }
  await send(db.sql, [{ source: 'erp', message }])
  await drain(pipeline)
}

/** A record that the shop has had before, and states itself. */
async function sell(fields: Record<string, unknown>): Promise<Record<string, unknown>> {
  const row = { id: 'S1', tax: ada.taxIds[0], modified: '2026-01-01T00:00:00Z', ...fields }
  system.rows.set('S1', row)
  const message = { source: 'shop', messageId: randomUUID(), correlationId: randomUUID() }
  const body = JSON.stringify(row)
  await accept(db.sql, [{ ...message, object: 'customers', format: 'row', body }])
  await drain(pipeline)
  return row
}

const ada = { name: 'Ada Ltd', taxIds: ['DE129273398'], lifecycle: 'CUSTOMER', currency: 'EUR' }

async function run(once: Once, more: Partial<WriteTarget> = {}, roundsMax = 200): Promise<void> {
  await runShop(pipeline, system, once, more, roundsMax)
}

async function intents(): Promise<{ state: string; operation: string; code: string | null }[]> {
  return [
    ...(await db.sql<{ state: string; operation: string; code: string | null }[]>`
      select state, operation, code from write_intent order by id`),
  ]
}

const held = () => [...system.rows.values()].map(({ name, currency }) => [name, currency])

describe('a write', () => {
  for (const once of ['KEY', 'UPSERT', 'NONE'] as const)
    test(`creates a record once, and changes it, where creates are once by ${once}`, async () => {
      system = await startHttpTarget(once)
      await state('1', ada)
      await run(once)
      assert.deepEqual(held(), [['Ada Ltd', 'EUR']])
      const { writes } = system
      assert.equal(writes, 1)
      await state('1', { ...ada, name: 'Ada SE' })
      await run(once)
      assert.deepEqual(held(), [['Ada SE', 'EUR']])
      assert.equal(system.writes, 2)
      const [golden] = await db.sql`select count(*)::int as n from golden where state = 'ACTIVE'`
      assert.equal(golden?.n, 1, 'the created record belongs to its golden record')
      assert.deepEqual(
        (await intents()).map((i) => [i.operation, i.state]),
        [
          ['CREATE', 'DONE'],
          ['UPDATE', 'DONE'],
        ],
      )
    })

  for (const fault of ['LATE', 'NEVER', 'CUT', 'BROKEN', 'DOWN'] satisfies Fault[])
    test(`is applied once after the fault ${fault}`, async () => {
      for (const once of ['KEY', 'UPSERT', 'NONE'] as const) {
        await empty(db.sql)
        await db.sql`truncate write_due, write_intent, write_target, written_value, written_record`
        await system?.close()
        system = await startHttpTarget(once)
        let faults = 3
        system.fault = () => (faults-- > 0 ? fault : null)
        await state('1', ada)
        await run(once)
        await sleep(60)
        assert.deepEqual(held(), [['Ada Ltd', 'EUR']], once)
        faults = 2
        await state('1', { ...ada, name: 'Ada SE' })
        await run(once)
        await sleep(60)
        assert.deepEqual(held(), [['Ada SE', 'EUR']], once)
        const open = (await intents()).filter((i) => i.state !== 'DONE')
        assert.deepEqual(open, [], once)
      }
    })

  test('of a record that was changed in between is a conflict, and planned again', async () => {
    system = await startHttpTarget('KEY')
    const row = await sell({ name: 'Ada', currency: 'EUR' })
    await state('1', ada)
    await run('KEY')
    // A person changes the name there; nobody has pulled it yet.
    Object.assign(row, {
      name: 'Ada & Co',
      modified: new Date(Date.UTC(2026, 5)).toISOString(),
    })
    await state('1', { ...ada, name: 'Ada SE' })
    await run('KEY')
    assert.deepEqual(held(), [['Ada SE', 'EUR']])
    const ended = (await intents()).map((i) => i.code ?? i.state)
    assert.equal(ended.at(-1), 'DONE')
    assert.ok(ended.includes('CHANGED_SINCE'), String(ended))
    const [stored] =
      await db.sql`select raw->>'name' as name from source_record where source = 'shop'`
    assert.equal(stored?.name, 'Ada & Co', 'the other value is a statement of the system')
  })

  test('that was in conflict is planned again once the record is applied as it was read', async () => {
    system = await startHttpTarget('KEY')
    const row = await sell({ name: 'Ada', currency: 'EUR' })
    await state('1', ada)
    await run('KEY')
    Object.assign(row, { name: 'Ada & Co', modified: new Date(Date.UTC(2026, 5)).toISOString() })
    await state('1', { ...ada, name: 'Ada SE' })
    let behind = 100
    await runShop(pipeline, system, 'KEY', {}, 400, () => behind-- > 0)
    assert.deepEqual(held(), [['Ada SE', 'EUR']])
    const codes = (await intents()).map((i) => i.code)
    assert.equal(codes.filter((c) => c === 'CHANGED_SINCE').length, 1, 'nobody is asked')
  })

  test('that the target changes back is made three times, then it is an exception', async () => {
    system = await startHttpTarget('KEY')
    system.automation = (r) => Object.assign(r, { name: String(r.name).toUpperCase() })
    await sell({ name: 'Ada', currency: 'EUR' })
    await state('1', ada)
    await run('KEY')
    const codes = (await intents()).filter((i) => i.state === 'REFUSED').map((i) => i.code)
    assert.deepEqual(codes, ['CHANGED_BACK'])
    assert.ok(system.writes <= 5, `${system.writes} writes`)
    const [golden] = await db.sql`select values->>'name' as name from golden`
    assert.equal(golden?.name, 'Ada Ltd')
  })

  test('waits within the limits of the target', async () => {
    system = await startHttpTarget('KEY')
    for (const [n, name] of ['Ada Ltd', 'Grace Inc', 'Alan plc'].entries())
      await state(String(n), { ...ada, name, taxIds: [`DE12927339${n}`] })
    const limits = { perMinute: 2, perDay: 100, changedRecordsMax: 100 }
    await assert.rejects(run('KEY', { limits }, 60), /it falls silent/)
    assert.equal(system.writes, 2)
    assert.deepEqual((await intents()).map((i) => i.state).sort(), ['DONE', 'DONE', 'PLANNED'])
  })
})

describe('the commands', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'touchstone-write-'))
  })
  after(() => rmSync(dir, { recursive: true }))

  async function sync(...args: string[]): Promise<{ code: number; output: string }> {
    const env = { DATABASE_URL: db.url, TOUCHSTONE_SOURCES: join(dir, 'sources.yaml') }
    return await runCommand(command, args, env)
  }

  test('show what would be written and what is planned, and release what is held, with an audit entry', async () => {
    system = await startHttpTarget('KEY')
    writeFileSync(join(dir, 'shop.yaml'), mapping)
    writeFileSync(join(dir, 'shop.connection.yaml'), definition('KEY'))
    writeFileSync(
      join(dir, 'sources.yaml'),
      `sources:
  - { name: erp, kind: generic, role: ERP, trust: 0.9, mapping: shop.yaml }
  - name: shop
    kind: generic
    role: BILLING
    trust: 0.5
    mapping: shop.yaml
    connection: { definition: shop.connection.yaml, base: "${system.url}", privateAddresses: true }
    write:
      mode: shadow
      Customer: { update: [name, paymentTerms] }
`,
    )
    await sell({ name: 'Ada', currency: 'EUR' })
    await state('1', ada)
    const diff = await sync('diff', 'shop')
    assert.equal(diff.code, 0, diff.output)
    assert.match(diff.output, /UPDATE customers S1 of Customer/)
    assert.match(diff.output, /name: "Ada" -> "Ada Ltd"/)
    assert.match(diff.output, /shop \(shadow\): 1 golden record compared; 0 creates, 1 update/)
    assert.match((await sync('diff', 'erp')).output, /has no write: in config\/sources.yaml/)
    assert.deepEqual(await intents(), [])

    await db.sql`update write_target set paused_until = 'infinity'`
    const target = shopTarget(openHttpTarget(system.url, 'KEY'))
    const targets = new Map([['shop', target]])
    await registerTargets(db.sql, targets)
    await db.sql`insert into write_due (golden_id) select id from golden`
    await planDue({ sql: db.sql, policy, systems: pipeline.systems, targets })
    assert.match(
      (await sync('writes', 'shop')).output,
      /PLANNED UPDATE shop\/customers S1\n {4}name: "Ada" -> "Ada Ltd"/,
    )
    const reason = ['--reason', 'month end', '--actor', 'eve']
    assert.match((await sync('hold', 'shop', ...reason)).output, /shop: 1 write held/)
    assert.match((await sync('writes', '--state', 'HELD')).output, /HELD_BY_PERSON: month end/)
    const waiting = await sync('writes', '--needs-person')
    assert.match(waiting.output, /HELD_BY_PERSON: month end \(owner: sales-operations\)/)
    const unknown = await sync('release', 'erp', ...reason)
    assert.match(unknown.output, /UNKNOWN_SOURCE.*those that are written to: shop/)
    assert.match((await sync('release', 'shop', ...reason)).output, /shop: 1 write released/)
    const none = await sync('release', 'shop', '999999', ...reason)
    assert.match(
      none.output,
      /shop: 0 writes released\n {2}unchanged: 999999: no such writes of shop/,
    )
    assert.equal(none.code, 1)
    assert.equal((await sync('writes', '--needs-person', '--json')).output.includes('owner'), false)
    assert.deepEqual(
      (await intents()).map((i) => i.state),
      ['PLANNED'],
    )
    const entries = await db.sql<{ body: { event: string; actor: string } }[]>`
      select body from audit where body->>'event' like '%_WRITES' order by id`
    assert.deepEqual(
      entries.map((e) => [e.body.event, e.body.actor]),
      [
        ['HOLD_WRITES', 'eve'],
        ['RELEASE_WRITES', 'eve'],
      ],
    )
  })
})
