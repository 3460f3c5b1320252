import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { csv, type FileWorld, openFileWorld } from './fileWorld.ts'
import { type SftpServer, startSftpServer } from './sftpServer.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, file_delivery restart identity`
})
after(async () => await db?.drop())

/** Opens a source system whose files lie in /out of an SFTP server. */
async function open(
  t: { after(work: () => void | Promise<void>): void },
  given: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Promise<{
  world: FileWorld
  server: SftpServer
  folder: string
  put(name: string, text: string): void
}> {
  const root = mkdtempSync(join(tmpdir(), 'touchstone-sftp-'))
  const folder = join(root, 'out')
  mkdirSync(folder, { recursive: true })
  const server = await startSftpServer(root)
  writeFileSync(join(root, 'key'), server.userKey, { mode: 0o600 })
  const sftp = {
    ...{ host: '127.0.0.1', port: server.port, user: 'erp', folder: '/out' },
    ...{ privateKey: { file: join(root, 'key') }, hostKey: server.hostKey, privateAddresses: true },
    ...given,
  }
  const world = openFileWorld(db.sql, { sftp, ...more })
  t.after(async () => {
    world.close()
    await server.close()
    rmSync(root, { recursive: true, force: true })
  })
  return { world, server, folder, put: (name, text) => writeFileSync(join(folder, name), text) }
}

test('files behind SFTP are read in order, archived, and read once', async (t) => {
  const { world, folder, put } = await open(t, {}, { archive: 'archive', errors: 'errors' })
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [n + 1, `No ${n}`]))
  put('customers_1.csv', csv(many))
  put('customers_2.csv', csv({ 1: 'Ada' }))
  put('customers_3.csv', 'id,name\n1,"\n')
  symlinkSync('/etc/hostname', join(folder, 'customers_0.csv'))
  const result = await world.run()
  assert.ok(result.ended === 'DONE', JSON.stringify(result))
  assert.equal(result.asks?.code, 'FILE_REFUSED')
  assert.deepEqual(
    (await world.deliveries()).map((d) => `${d.name} ${d.state} ${d.rows}`),
    ['customers_1.csv DONE 3000', 'customers_2.csv DONE 1', 'customers_3.csv REFUSED 0'],
  )
  assert.deepEqual(readdirSync(folder).sort(), ['archive', 'customers_0.csv', 'errors'])
  assert.equal(await world.messages(), 3_002)
  put('customers_2.csv', csv({ 1: 'Ada' }))
  put('customers_3.csv', csv({ 2: 'Bea' }))
  await world.run()
  assert.deepEqual(readdirSync(join(folder, 'archive')).sort(), [
    'customers_1.csv',
    'customers_2.csv',
    'customers_2~4.csv',
    'customers_3.csv',
  ])
  assert.ok(world.counts.requests > 10 && world.counts.bytes > 30_000, JSON.stringify(world.counts))
})

test('a cut connection fails the run, and the next one goes on', async (t) => {
  const { world, server, put } = await open(t)
  put(
    'customers_1.csv',
    csv(Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [n, `No ${n}`]))),
  )
  server.cut(2)
  const result = await world.run()
  assert.ok(result.ended === 'FAILED')
  assert.deepEqual([result.problem.verdict, result.problem.code], ['RETRY', 'UNREACHABLE'])
  server.cut(Number.POSITIVE_INFINITY)
  assert.equal((await world.run()).ended, 'DONE')
  assert.equal(await world.messages(), 3_000)
})

test('a move without the right to it fails visibly, and is repeated', async (t) => {
  const { world, server, folder, put } = await open(t, {}, { archive: 'archive' })
  put('customers_1.csv', csv({ 1: 'Ada' }))
  server.isReadOnly = true
  const result = await world.run()
  assert.ok(result.ended === 'FAILED')
  assert.deepEqual([result.problem.verdict, result.problem.code], ['FORBIDDEN', 'FOLDER_FAILED'])
  server.isReadOnly = false
  assert.equal((await world.run()).ended, 'DONE')
  assert.deepEqual(readdirSync(folder), ['archive'])
  assert.equal(await world.messages(), 1)
})

test('a wrong host key, credential, folder or address is refused with its verdict', async (t) => {
  const other = `SHA256:${'A'.repeat(43)}`
  const password = { env: 'FILES_TEST_PASSWORD' }
  process.env.FILES_TEST_PASSWORD = 'wrong'
  t.after(() => delete process.env.FILES_TEST_PASSWORD)
  for (const [given, verdict, code, detail] of [
    [
      { hostKey: other },
      'SIGN_IN',
      'HOST_KEY_WRONG',
      /the server has the key SHA256:.*hostKey: does not name/,
    ],
    [{ privateKey: undefined, password }, 'SIGN_IN', 'SIGN_IN_REFUSED', /not accepted/],
    [{ folder: '/none' }, 'MISSING', 'FOLDER_FAILED', /no such folder/],
    [{ privateAddresses: false }, 'PERMANENT', 'PRIVATE_ADDRESS', /privateAddresses: true/],
    [{ port: 1 }, 'RETRY', 'UNREACHABLE', /ECONNREFUSED/],
  ] as const) {
    const { world } = await open(t, given)
    const result = await world.run()
    assert.ok(result.ended === 'FAILED', JSON.stringify(given))
    assert.deepEqual([result.problem.verdict, result.problem.code], [verdict, code])
    assert.match(result.problem.detail, detail)
    assert.doesNotMatch(result.problem.detail, /wrong/)
    await db.sql`truncate sync_state`
  }
})

test('the password is read again for each connection', async (t) => {
  process.env.FILES_TEST_PASSWORD = 'not yet'
  t.after(() => delete process.env.FILES_TEST_PASSWORD)
  const password = { env: 'FILES_TEST_PASSWORD' }
  const { world, server, put } = await open(t, { privateKey: undefined, password })
  put('customers_1.csv', csv({ 1: 'Ada' }))
  assert.equal((await world.run()).ended, 'FAILED')
  process.env.FILES_TEST_PASSWORD = server.password
  assert.equal((await world.run()).ended, 'DONE')
  assert.equal(await world.messages(), 1)
})
