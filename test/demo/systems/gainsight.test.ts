import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { gainsight, gainsightInPacificTime } from '../../../demo/systems/gainsight/gainsight.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

type Fields = Record<string, unknown>
interface Answer {
  result: boolean
  errorCode: string | null
  data: Fields[] | { records: Fields[] } | null
}

const QUERIED = [
  ...['GsUser', 'Company', 'Person', 'Company_Person', 'Relationship'],
  'activity_timeline',
]

const post = (
  system: ModelSystem,
  path: string,
  body: unknown,
  key = system.credentials.accessKey,
) =>
  fetch(`${system.url}/${path}`, {
    method: 'POST',
    headers: { accesskey: key!, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const rowsOf = ({ data }: Answer): Fields[] => (Array.isArray(data) ? data : (data?.records ?? []))
const text = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')

const sorted = (records: ReadonlyMap<string, Fields>) =>
  [...records].sort(([a], [b]) => (a < b ? -1 : 1))

describe('the model of Gainsight', () => {
  let system: ModelSystem
  const query = async (object: string, body: Fields) =>
    (await (await post(system, `v1/data/objects/query/${object}`, body)).json()) as Answer
  const errorOf = async (object: string, body: unknown, key?: string) => {
    const response = await post(system, `v1/data/objects/query/${object}`, body, key)
    return [response.status, ((await response.json()) as Answer).errorCode]
  }
  const fieldsOf = (object: string) =>
    Object.keys([...system.state(object).values()][0]?.record ?? {})
  const living = (object: string) =>
    new Map(
      [...system.state(object)]
        .filter(([, { deleted }]) => !deleted)
        .map(([id, { record }]) => [id, record]),
    )
  const byId = (records: Fields[]) => new Map(records.map((record) => [record.Gsid, record]))
  /** Reads an object by id. */
  const readAll = async (object: string, limit = 60) => {
    const found: Fields[] = []
    for (let after = ''; ; after = String(found.at(-1)?.Gsid)) {
      const rows = rowsOf(
        await query(object, {
          select: fieldsOf(object),
          where: {
            conditions: [{ name: 'Gsid', alias: 'A', operator: 'GT', value: [after] }],
            expression: 'A',
          },
          orderBy: { Gsid: 'asc' },
          limit,
        }),
      )
      found.push(...rows)
      if (rows.length < limit) return found
    }
  }

  before(async () => {
    system = await gainsight.open({ seed: 9, limits: 'none' })
    system.fill(100, 1)
    system.day(150, 2)
  })
  after(() => system.close())

  test('answers every record that is not deleted, by id', async () => {
    for (const object of QUERIED) {
      const records = await readAll(object)
      assert.deepEqual(byId(records), living(object), object)
      assert.equal(records.length, living(object).size, object)
    }
  })

  test('answers changes by whole seconds, ordered by time and id', async () => {
    const since = system.clock.now() - 86_400_000 - 5000
    const changed = rowsOf(
      await query('Company', {
        select: ['Gsid', 'ModifiedDate', 'Csm__gr.Email'],
        where: {
          conditions: [
            { name: 'ModifiedDate', alias: 'A', operator: 'GTE', value: [text(since)] },
            { name: 'Gsid', alias: 'B', operator: 'GT', value: ['1P02'] },
          ],
          expression: 'A AND B',
        },
        orderBy: { ModifiedDate: 'asc', Gsid: 'asc' },
        limit: 5000,
      }),
    )
    const floor = Math.floor(since / 1000) * 1000
    assert.equal(
      changed.length,
      [...living('Company').values()].filter(({ ModifiedDate }) => Number(ModifiedDate) >= floor)
        .length,
    )
    const times = changed.map(({ ModifiedDate }) => Number(ModifiedDate))
    assert.ok(new Set(times).size < times.length, 'equal times')
    assert.ok(changed.some((row) => String(row['Csm__gr.Email']).includes('@')))
    const pacific = await gainsightInPacificTime.open({ seed: 9, limits: 'none' })
    try {
      pacific.put('Company', { Name: 'Now' })
      const ask = async (ms: number) =>
        (await (
          await post(pacific, 'v1/data/objects/query/Company', {
            select: ['Gsid'],
            where: {
              conditions: [
                { name: 'ModifiedDate', alias: 'A', operator: 'GTE', value: [text(ms)] },
              ],
              expression: 'A',
            },
          })
        ).json()) as Answer
      assert.equal((await ask(pacific.clock.now() - 3_600_000)).result, false)
      assert.equal((await ask(pacific.clock.now() - 9 * 3_600_000)).result, true)
    } finally {
      await pacific.close()
    }
  })

  test('an offset without a full order skips rows', async () => {
    const pages: Fields[] = []
    for (let offset = 0; offset < 100; offset += 20)
      pages.push(
        ...rowsOf(
          await query('Company', {
            select: ['Gsid'],
            orderBy: { Stage: 'asc' },
            limit: 20,
            offset,
          }),
        ),
      )
    assert.ok(byId(pages).size < living('Company').size)
  })

  test('names deleted records in its logs for 15 days', async () => {
    const body = { select: ['RecordId', 'DeletedOn', 'ObjectName'], limit: 5000 }
    const logs = [
      ...rowsOf(await query('record_delete_log', body)),
      ...rowsOf(await query('record_delete_log_high_volume', body)),
    ]
    const deleted = QUERIED.flatMap((object) =>
      [...system.state(object)].filter(([, row]) => row.deleted).map(([id]) => `${object} ${id}`),
    )
    assert.ok(deleted.length > 5)
    assert.deepEqual(
      new Set(logs.map(({ ObjectName, RecordId }) => `${ObjectName} ${RecordId}`)),
      new Set(deleted),
    )
    assert.match(String(logs[0]?.DeletedOn), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })

  test('lists calls to action and the deleted ones in pages without an order', async () => {
    const list = async (path: string, pageNumber: number) =>
      rowsOf(
        (await (
          await post(system, path, {
            select: fieldsOf('call_to_action'),
            pageSize: 1000,
            pageNumber,
          })
        ).json()) as Answer,
      )
    assert.deepEqual(byId(await list('v2/cockpit/cta/list', 1)), living('call_to_action'))
    assert.deepEqual(await list('v2/cockpit/cta/list', 2), [])
    const deleted = await list('v2/cockpit/cta/deleted/list', 1)
    assert.deepEqual(
      new Set(deleted.map(({ Gsid }) => Gsid)),
      new Set(
        [...system.state('call_to_action')].filter(([, row]) => row.deleted).map(([id]) => id),
      ),
    )
  })

  test('has three forms of an empty answer', async () => {
    const none = {
      select: ['Gsid'],
      where: {
        conditions: [{ name: 'Gsid', alias: 'A', operator: 'EQ', value: ['none'] }],
        expression: 'A',
      },
    }
    assert.deepEqual(await errorOf('Company', none), [200, 'GSOBJ_1011'])
    assert.deepEqual(await errorOf('Person', none), [400, 'GSOBJ_1011'])
    assert.deepEqual(rowsOf(await query('activity_timeline', none)), [])
  })

  test('lets a client that drains whole seconds and reads the logs end with the truth', async () => {
    const held = new Map<string, Fields>()
    const keep = (object: string, records: readonly Fields[]) => {
      for (const record of records) held.set(`${object} ${record.Gsid}`, record)
    }
    for (const object of QUERIED) keep(object, await readAll(object))
    const from = system.clock.now() - 60_000
    system.day(150, 41)
    const ask = async (object: string, conditions: Fields[], order: Fields) =>
      rowsOf(
        await query(object, {
          select: fieldsOf(object),
          where: {
            conditions: conditions.map((condition, n) => ({ ...condition, alias: 'ABC'[n] })),
            expression: ['A', 'A AND B', 'A AND B AND C'][conditions.length - 1],
          },
          orderBy: order,
          limit: 10,
        }),
      )
    const at = (operator: string, ms: number) => ({
      name: 'ModifiedDate',
      operator,
      value: [text(ms)],
    })
    for (const object of QUERIED)
      for (let next = from; ; ) {
        const page = await ask(object, [at('GTE', next)], { ModifiedDate: 'asc', Gsid: 'asc' })
        keep(object, page)
        if (page.length < 10) break
        const second = Math.floor(Number(page.at(-1)?.ModifiedDate) / 1000) * 1000
        for (let after = ''; ; ) {
          const bounds = [at('GTE', second), at('LT', second + 1000)]
          const beyond = { name: 'Gsid', operator: 'GT', value: [after] }
          const rest = await ask(object, [...bounds, beyond], { Gsid: 'asc' })
          keep(object, rest)
          if (rest.length < 10) break
          after = String(rest.at(-1)?.Gsid)
        }
        next = second + 1000
      }
    for (const log of ['record_delete_log', 'record_delete_log_high_volume']) {
      const body = { select: ['RecordId', 'ObjectName'], limit: 5000 }
      for (const { RecordId, ObjectName } of rowsOf(await query(log, body)))
        held.delete(`${ObjectName} ${RecordId}`)
    }
    const truth = QUERIED.flatMap((object) =>
      [...living(object)].map(([id, record]) => [`${object} ${id}`, record] as const),
    )
    assert.deepEqual(sorted(held), sorted(new Map(truth)))
  })

  test('refuses wrong keys, fields, filters and orders', async () => {
    assert.deepEqual(await errorOf('Company', {}, 'wrong'), [401, 'GS_APIG_2401'])
    const select = ['Gsid']
    const where = (condition: Fields, expression = 'A') => ({
      conditions: [{ name: 'Gsid', alias: 'A', operator: 'EQ', value: ['1'], ...condition }],
      expression,
    })
    for (const body of [
      {},
      { select: ['Colour'] },
      { select, page: 2 },
      { select, limit: 5001 },
      { select, offset: -1 },
      { select, orderBy: { Gsid: 'up' } },
      { select, orderBy: ['Gsid'] },
      { select, where: where({ operator: 'LIKE' }) },
      { select, where: where({ value: '1' }) },
      { select, where: where({ colour: 1 }) },
      { select, where: where({ name: 'ModifiedDate', value: ['2026-01-01T00:00:00Z'] }) },
      { select, where: where({}, 'A AND B') },
      { select, where: where({}, '(A)') },
    ])
      assert.deepEqual(await errorOf('Company', body), [400, 'GSOBJ_1005'], JSON.stringify(body))
    assert.equal((await errorOf('Colour', { select }))[0], 400)
    assert.equal((await post(system, 'v1/colours', {})).status, 404)
    assert.ok(system.requests().unknown.some((request) => request.includes('"page":2')))
    assert.throws(() => system.put('Company', { colour: 'red' }), /no field colour/)
  })

  test("makes its faults in the vendor's forms", async () => {
    const body = { select: ['Gsid'] }
    system.faults.add({ kind: 'status', status: 200 })
    assert.deepEqual(await errorOf('Company', body), [200, 'GS_APIG_2200'])
    system.faults.add({ kind: 'status', status: 503 }, /Company/)
    assert.equal((await errorOf('Company', body))[0], 503)
    system.faults.add({ kind: 'forbidden' }, /query\/Person/)
    assert.deepEqual(await errorOf('Person', body), [403, 'GSOBJ_1024'])
    system.faults.late(60_000, 1)
    const late = system.put('Company', { Name: 'Late' })
    const seen = async () => byId(await readAll('Company', 5000)).has(late)
    assert.equal(await seen(), false)
    system.clock.advance(60_000)
    assert.equal(await seen(), true)
    system.clock.advance(15 * 86_400_000)
    const log = { select: ['RecordId'] }
    assert.deepEqual(rowsOf(await query('record_delete_log', log)), [])
  })

  test('limits requests to 100 in a minute of the clock', async () => {
    const limited = await gainsight.open()
    try {
      limited.clock.advance(60_000 - (limited.clock.now() % 60_000))
      const request = () => post(limited, 'v1/data/objects/query/Company', { select: ['Gsid'] })
      const statuses = await Promise.all(
        Array.from({ length: 103 }, async () => (await request()).status),
      )
      assert.equal(statuses.filter((status) => status === 429).length, 3)
      limited.clock.advance(60_000 - (limited.clock.now() % 60_000))
      assert.equal((await request()).status, 200)
    } finally {
      await limited.close()
    }
  })
})
