import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type FieldbookSystem, fieldbook } from '../../../demo/systems/fieldbook/fieldbook.ts'
import { readTime, zone } from '../../../demo/systems/fieldbook/time.ts'
import {
  type Fields,
  newOrganization,
  readList,
  readPage,
  recordOf,
  refusal,
  send,
} from './fieldbookClient.ts'

const types = ['organizations', 'people', 'deals']
const typeOfSingular = new Map([
  ['organization', 'organizations'],
  ['person', 'people'],
  ['deal', 'deals'],
])
const copyDelayMs = 10_000
const dayMs = 86_400_000

let system: FieldbookSystem
before(async () => {
  system = await fieldbook.open({ seed: 5, limits: 'none' })
  system.fill(40, 1)
  system.day(80, 2)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

const living = (type: string) =>
  [...system.state(type)].filter(([, { deleted }]) => !deleted).map(([, { record }]) => record)
const byId = (records: readonly Fields[]) =>
  [...records].sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1))
const ago = (ms: number) => new Date(system.clock.now() - ms).toISOString()

describe('times of Fieldbook', () => {
  test('have the offset of the zone at the time', () => {
    const berlin = zone('Europe/Berlin')
    const [summer, winter] = [Date.UTC(2026, 9, 25, 0, 59, 59, 7), Date.UTC(2026, 9, 25, 1)]
    assert.equal(berlin.write(summer), '2026-10-25T02:59:59.007+02:00')
    assert.equal(berlin.write(winter), '2026-10-25T02:00:00.000+01:00')
    assert.equal(zone('America/St_Johns').write(0), '1969-12-31T20:30:00.000-03:30')
    for (const ms of [summer, winter]) assert.equal(readTime(berlin.write(ms)), ms)
    for (const text of ['2026-10-25', '2026-10-25T02:00:00', '2026-10-25T02:00:00 01:00', 'x'])
      assert.equal(readTime(text), undefined, text)
  })
})

describe('a list of Fieldbook', () => {
  test('has every record that is not deleted, in pages of any size', async () => {
    for (const type of types) {
      const records = await readList(system, type, { 'page[size]': '7' })
      assert.deepEqual(byId(records), byId(living(type)), type)
      const times = records.map(({ updated_at: at }) => Date.parse(String(at)))
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      )
    }
  })

  test('has equal times on several pages, and pages that are short before its end', async () => {
    const times = living('organizations').map(({ updated_at: at }) => at)
    const counts = [...new Set(times)].map((at) => times.filter((other) => other === at).length)
    assert.ok(Math.max(...counts) > 3, 'more equal times than a page has')
    const sizes: number[] = []
    let after = ''
    do {
      const { data, meta } = await readPage(system, `organizations?page[size]=3${after}`)
      sizes.push(data.length)
      after = meta.page.next === undefined ? '' : `&page[after]=${meta.page.next}`
    } while (after !== '')
    assert.ok(sizes.slice(0, -1).some((size) => size < 3))
  })

  test('finds changes since a time, that time included, and records by external_id', async () => {
    const times = living('people').map(({ updated_at: at }) => Date.parse(String(at)))
    const since = times.toSorted((a, b) => a - b)[10]!
    const found = await readList(system, 'people', {
      'filter[updated_since]': zone('Asia/Tokyo').write(since),
    })
    assert.equal(found.length, times.filter((time) => time >= since).length)
    const id = newOrganization(system, { external_id: 'erp:1' })
    assert.deepEqual(
      (await readList(system, 'organizations', { 'filter[external_id]': 'erp:1' })).map(
        (row) => row.id,
      ),
      [id],
    )
    assert.deepEqual(
      await readList(system, 'organizations', { 'filter[external_id]': 'erp:0' }),
      [],
    )
    assert.throws(() => newOrganization(system, { external_id: 'erp:1' }), /erp:1/)
  })

  test('shows a late row later, a record by its id at once', async () => {
    system.faults.late(copyDelayMs, 1)
    const id = newOrganization(system)
    const listed = async () =>
      (await readList(system, 'organizations', { 'filter[updated_since]': ago(60_000) })).some(
        (row) => row.id === id,
      )
    assert.equal(await listed(), false)
    assert.equal((await send(system, `organizations/${id}`)).status, 200)
    system.clock.advance(copyDelayMs)
    assert.equal(await listed(), true)
  })

  test('refuses what the reference does not name, and counts it', async () => {
    const { next } = (await readPage(system, 'people?page[size]=5')).meta.page
    const known = system.requests().unknown.length
    const refusals = new Map([
      ['people?limit=5', '400 bad_parameter limit'],
      ['people?page[size]=0', '400 bad_parameter page[size]'],
      ['people?page[size]=101', '400 bad_parameter page[size]'],
      ['people?page[size]=5&page[size]=5', '400 bad_parameter page[size]'],
      ['people?sort=name', '400 bad_parameter sort'],
      ['people?filter[name]=A', '400 bad_parameter filter[name]'],
      ['people?filter[updated_since]=2026-01-01', '400 bad_parameter filter[updated_since]'],
      [
        'people?filter[updated_since]=2026-01-01T00:00:00+01:00',
        '400 bad_parameter filter[updated_since]',
      ],
      ['people?page[after]=cur_x', '400 bad_cursor page[after]'],
      [`deals?page[after]=${next}`, '400 bad_cursor page[after]'],
      [`people?filter[external_id]=a&page[after]=${next}`, '400 bad_cursor page[after]'],
      ['deletions', '400 bad_parameter since'],
      [`deletions?since=${ago(0)}&sort=updated_at`, '400 bad_parameter sort'],
      ['people/per_1?fields=id', '400 bad_parameter fields'],
      ['companies', '404 not_found'],
      ['people/', '404 not_found'],
    ])
    for (const [path, expected] of refusals)
      assert.equal(await refusal(system, path), expected, path)
    const headers = {
      accept: 'text/html',
      'if-match': '"1"',
      'if-none-match': '"1"',
      'idempotency-key': '12345678',
      authorization: 'Bearer x',
    }
    for (const [name, value] of Object.entries(headers))
      assert.match(
        await refusal(system, 'people', { headers: { [name]: value } }),
        /^40[016] /,
        name,
      )
    assert.equal(
      await refusal(system, 'people/per_1', { method: 'DELETE' }),
      '405 method_not_allowed',
    )
    assert.equal(
      system.requests().unknown.length - known,
      refusals.size + Object.keys(headers).length + 1,
    )
    assert.equal(await refusal(system, 'people/per_1'), '404 not_found')
  })

  test('has cursors that expire after 15 minutes', async () => {
    const { next } = (await readPage(system, 'people?page[size]=5')).meta.page
    system.clock.advance(15 * 60_000 + 1000)
    assert.equal(
      await refusal(system, `people?page[after]=${next}`),
      '410 cursor_expired page[after]',
    )
  })
})

describe('deletions of Fieldbook', () => {
  test('name what an organization takes with it', async () => {
    const [gone, other] = [newOrganization(system), newOrganization(system)]
    const both = system.put('people', {
      family_name: 'Both',
      organizations: [{ id: gone, primary: true }, { id: other }],
    })
    const one = system.put('people', {
      family_name: 'One',
      organizations: [{ id: gone, primary: true }],
    })
    const deal = system.put('deals', { name: 'D', organization_id: gone })
    const since = ago(0)
    system.remove('organizations', gone)
    const rows = await readList(system, 'deletions', { since, 'page[size]': '2' })
    assert.deepEqual(
      new Set(rows.map(({ type, id }) => `${type} ${id}`)),
      new Set([`organization ${gone}`, `person ${one}`, `deal ${deal}`]),
    )
    assert.deepEqual(recordOf(system, 'people', both).organizations, [
      { id: other, role: null, primary: true },
    ])
    assert.equal(await refusal(system, `organizations/${gone}`), '410 deleted')
  })

  test('name the winner of a merge, to which people and deals move', async () => {
    const [loser, winner] = [newOrganization(system), newOrganization(system)]
    const person = system.put('people', {
      family_name: 'P',
      organizations: [{ id: winner }, { id: loser, primary: true }],
    })
    const deal = system.put('deals', { name: 'D', organization_id: loser })
    const since = ago(0)
    system.merge(loser, winner)
    const [row, ...others] = await readList(system, 'deletions', { since })
    assert.deepEqual([row?.id, row?.merged_into, others.length], [loser, winner, 0])
    assert.deepEqual(recordOf(system, 'people', person).organizations, [
      { id: winner, role: null, primary: true },
    ])
    assert.equal(recordOf(system, 'deals', deal).organization_id, winner)
    assert.equal(recordOf(system, 'organizations', winner).revision, 1)
    const { status, body } = await send(system, `organizations/${loser}`)
    assert.deepEqual([status, body.error.merged_into], [410, winner])
  })

  test('are kept for 10 days', async () => {
    const id = newOrganization(system)
    system.remove('organizations', id)
    system.clock.advance(10 * dayMs + 1000)
    assert.equal(await refusal(system, `organizations/${id}`), '404 not_found')
    const since = encodeURIComponent(ago(10 * dayMs + 1000))
    assert.equal(await refusal(system, `deletions?since=${since}`), '410 window_expired since')
    assert.deepEqual(await readList(system, 'deletions', { since: ago(9 * dayMs) }), [])
  })
})

test('a client that overlaps its reads and reads the deletions ends with the truth', async () => {
  const held = new Map<string, Fields>()
  let since: number | undefined
  const read = async () => {
    const from = system.clock.now() - copyDelayMs
    for (const type of types) {
      const filter: Record<string, string> =
        since === undefined ? {} : { 'filter[updated_since]': new Date(since).toISOString() }
      for (const record of await readList(system, type, { 'page[size]': '20', ...filter }))
        held.set(`${type} ${record.id}`, record)
    }
    for (const { type, id } of await readList(system, 'deletions', {
      since: new Date(since ?? from).toISOString(),
    }))
      held.delete(`${typeOfSingular.get(String(type))} ${id}`)
    since = from
  }
  await read()
  for (const seed of [31, 32]) {
    system.day(80, seed)
    system.faults.late(copyDelayMs, 3)
    newOrganization(system)
    const lastOne = living('organizations')[0]!.id
    system.put('organizations', { id: lastOne, status: 'former' })
    system.remove('organizations', newOrganization(system))
    await read()
    system.clock.advance(copyDelayMs)
  }
  await read()
  const truth = types.flatMap((type) => living(type))
  assert.deepEqual(byId([...held.values()]), byId(truth))
})
