import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { csv, type FileWorld, openFileWorld } from './fileWorld.ts'
import { type S3Model, startS3Model } from './s3Model.ts'

let db: TestDatabase
let model: S3Model
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, file_delivery restart identity`
  model = await startS3Model('erp-out')
  process.env.FILES_TEST_ID = model.accessKey
  process.env.FILES_TEST_SECRET = model.secretKey
})
after(async () => {
  delete process.env.FILES_TEST_ID
  delete process.env.FILES_TEST_SECRET
  await db?.drop()
})

function open(
  t: { after(work: () => Promise<void>): void },
  given: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): FileWorld {
  const s3 = {
    ...{ endpoint: model.endpoint, bucket: 'erp-out', prefix: 'to us/', region: 'eu-x-1' },
    ...{ accessKey: { env: 'FILES_TEST_ID' }, secretKey: { env: 'FILES_TEST_SECRET' } },
    ...{ privateAddresses: true, ...given },
  }
  const world = openFileWorld(db.sql, { s3, objects: { customers: 'customers *.csv' }, ...more })
  const own = model
  t.after(async () => {
    world.close()
    await own.close()
    assert.deepEqual(own.unknown, [])
  })
  return world
}

test('objects of a bucket are read in order over several lists, moved, and read once', async (t) => {
  const world = open(t, {}, { archive: 'archive', errors: 'errors', checksum: '.md5' })
  const names = ['customers 1 (a+b)&ü.csv', "customers 2'!*.csv", 'customers 3.csv']
  model.put(`to us/${names[0]}`, csv({ 1: 'First', 2: 'Bea' }))
  model.put(`to us/${names[1]}`, csv({ 1: 'Second' }))
  model.put(`to us/${names[2]}`, csv({ 3: 'Cid' }))
  model.put('to us/', '')
  model.put('to us/sub/customers 4.csv', csv({ 4: 'Dan' }))
  model.put('elsewhere/customers 5.csv', csv({ 5: 'Eve' }))
  const sum = (text: string) => createHash('md5').update(text).digest('hex')
  model.put(`to us/${names[0]}.md5`, sum(csv({ 1: 'First', 2: 'Bea' })))
  model.put(`to us/${names[1]}.md5`, sum(csv({ 1: 'Second' })))
  model.put(`to us/${names[2]}.md5`, sum('another content'))
  const result = await world.run()
  assert.ok(result.ended === 'DONE', JSON.stringify(result))
  assert.equal(result.asks?.code, 'FILE_REFUSED')
  assert.deepEqual(await world.stored(), { 1: 'Second', 2: 'Bea' })
  assert.deepEqual(model.keys(), [
    'elsewhere/customers 5.csv',
    'to us/',
    `to us/archive/${names[0]}`,
    `to us/archive/${names[0]}.md5`,
    `to us/archive/${names[1]}`,
    `to us/archive/${names[1]}.md5`,
    `to us/errors/${names[2]}`,
    `to us/errors/${names[2]}.md5`,
    'to us/sub/customers 4.csv',
  ])
  model.put(`to us/${names[1]}`, csv({ 1: 'Second' }))
  model.put(`to us/${names[1]}.md5`, sum(csv({ 1: 'Second' })))
  model.put(`to us/${names[2]}`, csv({ 3: 'Cid' }))
  model.put(`to us/${names[2]}.md5`, sum(csv({ 3: 'Cid' })))
  assert.equal((await world.run()).ended, 'DONE')
  assert.deepEqual(await world.stored(), { 1: 'Second', 2: 'Bea', 3: 'Cid' })
  assert.deepEqual(
    (await world.deliveries()).map((d) => `${d.state} ${d.code}`),
    ['DONE null', 'DONE null', 'REFUSED FILE_CHECKSUM', 'DONE SAME_CONTENT', 'DONE null'],
  )
})

test('an answer that is cut fails the run, and the next one reads the rest once', async (t) => {
  const world = open(t)
  model.put(
    'to us/customers 1.csv',
    csv(Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [n, `No ${n}`]))),
  )
  model.cutNext()
  const result = await world.run()
  assert.ok(result.ended === 'FAILED')
  assert.deepEqual([result.problem.verdict, result.problem.code], ['RETRY', 'NO_ANSWER'])
  assert.equal((await world.run()).ended, 'DONE')
  assert.equal(await world.messages(), 2_000)
})

test('a refusal has its verdict and names no key', async (t) => {
  for (const [given, refused, verdict, code] of [
    [{ secretKey: { env: 'FILES_TEST_ID' } }, null, 'SIGN_IN', 'SIGN_IN_REFUSED'],
    [{ accessKey: { env: 'FILES_TEST_NONE' } }, null, 'SIGN_IN', 'NO_SECRET'],
    [{ bucket: 'another' }, null, 'MISSING', 'FOLDER_FAILED'],
    [{}, [403, 'AccessDenied'], 'FORBIDDEN', 'PERMISSION_MISSING'],
    [{}, [503, 'SlowDown'], 'WAIT', 'LIMIT_REACHED'],
    [{}, [500, 'InternalError'], 'RETRY', 'SYSTEM_UNAVAILABLE'],
    [{}, [301, 'PermanentRedirect'], 'PERMANENT', 'REQUEST_REFUSED'],
    [{ endpoint: 'https://127.0.0.1:1' }, null, 'RETRY', 'UNREACHABLE'],
    [
      { endpoint: 'https://127.0.0.1:1', privateAddresses: false },
      null,
      'PERMANENT',
      'PRIVATE_ADDRESS',
    ],
  ] as const) {
    const world = open(t, given)
    if (refused) model.refuseNext(refused[0], refused[1])
    const result = await world.run()
    assert.ok(result.ended === 'FAILED', JSON.stringify(given))
    assert.deepEqual([result.problem.verdict, result.problem.code], [verdict, code])
    assert.doesNotMatch(result.problem.detail, /wJalr|AKID/)
    await db.sql`truncate sync_state`
  }
})
