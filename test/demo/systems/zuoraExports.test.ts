import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { readTime } from '../../../demo/systems/zuora/time.ts'
import { zuora } from '../../../demo/systems/zuora/zuora.ts'

type Fields = Record<string, unknown>
type JobAnswer = Fields & { batches: Fields[] }

const day = 86_400_000
const hour = 3_600_000
const zone = new Intl.DateTimeFormat('sv-SE', {
  ...{ timeZone: 'America/Los_Angeles', dateStyle: 'short', timeStyle: 'medium' },
})
/** Writes a moment as the clocks of the tenant show it. */
const local = (ms: number) => zone.format(ms)

describe('the exports of the model of Zuora', () => {
  let system: ModelSystem
  let token: string
  const signIn = async () => {
    const { clientId, clientSecret } = system.credentials
    const response = await fetch(`${system.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ client_id: clientId!, client_secret: clientSecret! },
        grant_type: 'client_credentials',
      }),
    })
    token = ((await response.json()) as Record<string, string>).access_token ?? ''
  }
  const ask = (method: string, path: string, body?: unknown) =>
    fetch(`${system.url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  const call = async (method: string, path: string, body?: unknown) =>
    (await (await ask(method, path, body)).json()) as JobAnswer
  const advance = async (ms: number) => {
    system.clock.advance(ms)
    await signIn()
  }
  const deleted: Fields = { column: 'Deleted', format: 'Boolean', forceExport: true }
  const stateless = (query: string, more: Fields = {}) => ({
    ...{ format: 'csv', version: '1.0', encrypted: 'none', useQueryLabels: true },
    queries: [{ name: 'q', query, type: 'zoqlexport', deleted, ...more }],
  })
  const stateful = (query: string, more: Fields = {}, ofQuery: Fields = {}) => ({
    ...stateless(query, ofQuery),
    ...{ version: '1.1', partner: system.credentials.partnerId, project: 'all', ...more },
  })
  const refusal = async (body: unknown) => (await call('POST', 'batch-query/', body)).errorCode
  const run = async (body: unknown) => {
    const submitted = await call('POST', 'batch-query/', body)
    assert.ok(submitted.id, JSON.stringify(submitted))
    let job: JobAnswer
    do job = await call('GET', `batch-query/jobs/${submitted.id}`)
    while (job.status !== 'completed')
    const [batch] = job.batches
    const text = await (await ask('GET', `file/${batch?.fileId}`)).text()
    const rows: Fields[] = parse(text, { columns: true })
    assert.equal(rows.length, batch?.recordCount)
    return { full: batch?.full, rows, text, ids: rows.map((row) => row['Account.Id']) }
  }
  const living = (object = 'Account') =>
    [...system.state(object)].filter(([, row]) => !row.deleted).map(([id]) => id)
  const fresh = async () => {
    system = await zuora.open({ seed: 7, limits: 'none' })
    system.fill(40, 1)
    await signIn()
    await advance(5_000)
  }

  before(fresh)
  after(() => system.close())

  const all = 'select Id, Name, UpdatedDate from Account'

  test('without a session name changed and deleted rows of an interval, in any zone', async () => {
    const [gone, changed] = living().slice(-2)
    const from = system.clock.now()
    await advance(5_000)
    system.remove('Account', gone!)
    system.put('Account', { id: changed, name: 'Changed' })
    await advance(5_000)
    const query = (since: string) => `select Id from Account where UpdatedDate >= '${since}'`
    const utc = `${new Date(from).toISOString().slice(0, 19)}Z`
    for (let again = 0; again < 2; again++) {
      const { rows, text } = await run(stateless(query(utc)))
      assert.deepEqual(
        new Map(rows.map((row) => [row['Account.Id'], row['Account.Deleted']])),
        new Map([
          [gone, 'true'],
          [changed, 'false'],
        ]),
      )
      assert.match(text, /^Account\.Deleted,Account\.Id\n/)
    }
    const later = `${new Date(system.clock.now() + hour).toISOString().slice(0, 19)}Z`
    assert.deepEqual((await run(stateless(query(later)))).rows, [])
    // Without an offset it is a time of the tenant's zone.
    assert.equal((await run(stateless(query(local(from).replace(' ', 'T'))))).rows.length, 2)
    // A time of another form is no condition.
    const everything = await run(stateless(query(utc.replace('T', ' ').replace('Z', ''))))
    assert.ok(everything.rows.length > living().length)
  })

  test('give the fields of an object by *, without references, and those that are joined', async () => {
    const own = await run(stateless('select * from Account', { deleted: undefined }))
    assert.ok('Account.AccountNumber' in own.rows[0]!)
    assert.ok(!('Account.BillToId' in own.rows[0]!))
    const query = 'select *, billtocontact.*, ParentAccount.Id from account'
    const { rows } = await run(stateless(query, { deleted: undefined }))
    assert.deepEqual(new Set(rows.map((row) => row['Account.Id'])), new Set(living()))
    for (const row of rows) {
      const { record } = system.state('Account').get(String(row['Account.Id']))!
      assert.equal(row['BillToContact.Id'], record.billToId ?? '')
      assert.equal(row['ParentAccount.Id'], record.parentId ?? '')
      assert.match(String(row['Account.UpdatedDate']), /T\d\d:\d\d:\d\d-0[78]00$/)
    }
    const utc = await run({ ...stateless(all), dateTimeUtc: true })
    assert.match(String(utc.rows[0]?.['Account.UpdatedDate']), /T\d\d:\d\d:\d\d\+0000$/)
    const labels = await run({ ...stateless(all), useQueryLabels: undefined })
    assert.match(labels.text, /^Account\.Deleted,Account: Id,/)
  })

  test('of a session are full first, then have what changed or was deleted since', async () => {
    const first = await run(stateful(all))
    assert.equal(first.full, true)
    assert.deepEqual(new Set(first.ids), new Set(living()))
    await advance(5_000)
    const [gone, changed] = living().slice(-2)
    system.remove('Account', gone!)
    system.put('Account', { id: changed, name: 'Changed' })
    system.remove('Account', system.put('Account', { name: 'Came and went', currency: 'EUR' }))
    await advance(5_000)
    const second = await run(stateful(all))
    assert.equal(second.full, false)
    assert.deepEqual(
      new Map(second.rows.map((row) => [row['Account.Id'], row['Account.Deleted']])),
      new Map([
        [gone, 'true'],
        [changed, 'false'],
      ]),
    )
    await advance(5_000)
    assert.deepEqual((await run(stateful(all))).rows, [])
    // What a session compares of a query.
    assert.equal((await run(stateful(`${all} where Status = 'Active'`))).full, true)
    assert.equal((await run(stateful(all))).full, true)
    const numeric = { deleted: { column: 'Deleted', format: 'Numeric' } }
    assert.equal((await run(stateful(all, {}, numeric))).full, true)
    assert.equal((await run(stateful(all, {}, { deleted: undefined }))).full, true)
    await advance(5_000)
    assert.equal((await run(stateful(all, {}, { deleted: undefined }))).full, false)
    await advance(181 * day)
    assert.equal((await run(stateful(all, {}, { deleted: undefined }))).full, true)
    // Without one of both names, and with the version 1.0, there is no session.
    assert.equal((await run(stateful(all, { project: undefined }))).full, true)
    assert.equal((await run(stateful(all, { version: '1.0' }))).full, true)
  })

  test('read incrementalTime as Pacific time, on both sides of a change of the clocks', async () => {
    const at = (time: string) => new Date(readTime(time.replace(' ', 'T'))!).toISOString()
    assert.equal(at('2015-01-21 10:30:01'), '2015-01-21T18:30:01.000Z')
    // The clocks change at 10:00 UTC on 8 March and at 09:00 UTC on 1 November.
    assert.equal(at('2026-03-08 01:59:59'), '2026-03-08T09:59:59.000Z')
    assert.equal(at('2026-03-08 03:00:00'), '2026-03-08T10:00:00.000Z')
    assert.equal(at('2026-03-08 09:00:00'), '2026-03-08T16:00:00.000Z')
    assert.equal(at('2026-11-01 00:59:59'), '2026-11-01T07:59:59.000Z')
    assert.equal(at('2026-11-01 01:30:00'), '2026-11-01T09:30:00.000Z')
    assert.equal(at('2026-11-01 02:00:00'), '2026-11-01T10:00:00.000Z')
    await run(stateful(all, { project: 'times' }))
    await advance(2 * hour)
    const [changed] = living()
    const before = system.clock.now()
    system.put('Account', { id: changed, name: 'Changed again' })
    await advance(hour)
    await run(stateful(all, { project: 'times' }))
    const since = { project: 'times', incrementalTime: local(before - 60_000) }
    assert.deepEqual((await run(stateful(all, since))).ids, [changed])
    // The same digits as UTC would be a time that is hours away.
    const utc = new Date(before - 60_000).toISOString().slice(0, 19).replace('T', ' ')
    const ahead = { project: 'times', incrementalTime: utc }
    assert.deepEqual((await run(stateful(all, ahead))).rows, [])
  })

  test('forget deleted rows after 30 days, files after 3, jobs after 180', async () => {
    const [gone] = living()
    system.remove('Account', gone!)
    await advance(29 * day)
    const query = "select Id from Account where UpdatedDate >= '2000-01-01T00:00:00Z'"
    assert.ok((await run(stateless(query))).ids.includes(gone))
    await advance(2 * day)
    assert.ok(!(await run(stateless(query))).ids.includes(gone))
    const { id } = await call('POST', 'batch-query/', stateless(query))
    await call('GET', `batch-query/jobs/${id}`)
    const { batches } = await call('GET', `batch-query/jobs/${id}`)
    assert.equal((await ask('GET', `files/${batches[0]?.fileId}`)).status, 200)
    await advance(3 * day + hour)
    assert.equal((await ask('GET', `file/${batches[0]?.fileId}`)).status, 404)
    await advance(177 * day)
    assert.equal((await call('GET', `batch-query/jobs/${id}`)).errorCode, '90002')
  })

  test('are refused with the codes of the vendor', async () => {
    assert.equal(await refusal(stateless('select Colour from Account')), '90005')
    assert.equal(await refusal(stateless('select Order.Id from Account')), '90005')
    assert.equal(await refusal(stateless('select Id from AccountingPeriod')), '90017')
    assert.equal(await refusal(stateful(all, { partner: 'other' })), '90019')
    assert.equal(await refusal(stateful(all, { incrementalTime: '2026-01-01' })), '90015')
    assert.equal(await refusal({ ...stateless(all), queries: [] }), '90016')
    const many = Array.from({ length: 51 }, () => stateless(all).queries[0])
    assert.equal(await refusal({ ...stateless(all), queries: many }), '90004')
    const plain = { deleted: { column: 'Deleted', format: 'Boolean' } }
    assert.equal(await refusal(stateless(all, plain)), '90012')
    for (const bad of [{ version: '1.2' }, { format: 'json' }, { colour: 'red' }]) {
      const answer = await call('POST', 'batch-query/', { ...stateless(all), ...bad })
      assert.deepEqual([answer.success, answer.code], [false, 50_000_090], JSON.stringify(bad))
    }
    assert.equal((await call('GET', 'batch-query/jobs/none')).errorCode, '90002')
    assert.equal((await call('DELETE', 'batch-query/jobs/none')).errorCode, '90003')
    const { id } = await call('POST', 'batch-query/', stateless(all))
    assert.equal((await call('DELETE', `batch-query/jobs/${id}`)).status, 'cancelled')
    assert.equal((await call('DELETE', `batch-query/jobs/${id}`)).errorCode, '90003')
    system.faults.add({ kind: 'forbidden' }, /batch-query/)
    assert.equal(await refusal(stateless(all)), '90009')
    const doomed = await call('POST', 'batch-query/', stateless(all))
    system.faults.add({ kind: 'failedJob' })
    assert.equal((await call('GET', `batch-query/jobs/${doomed.id}`)).status, 'aborted')
  })

  test('are at most 50 with a session and 50 without one at a time; a session does one by one', async () => {
    await system.close()
    await fresh()
    for (let n = 0; n < 50; n++) assert.equal(await refusal(stateless(all)), undefined)
    assert.equal(await refusal(stateless(all)), '90028')
    const first = await call('POST', 'batch-query/', stateful(all))
    const second = await call('POST', 'batch-query/', stateful(all))
    const status = async ({ id }: Fields) => (await call('GET', `batch-query/jobs/${id}`)).status
    assert.equal(await status(second), 'submitted')
    assert.equal(await status(second), 'submitted')
    assert.deepEqual([await status(first), await status(first)], ['executing', 'completed'])
    assert.deepEqual([await status(second), await status(second)], ['executing', 'completed'])
  })
})
