import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { append, create, version } from './world.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(() => db.drop())

const script =
  'const { command } = await import("./cli/commands/expire.ts"); await command.parseAsync(process.argv.slice(1), { from: "user" })'
const expire = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, '--', ...args], {
    env: { ...process.env, DATABASE_URL: db.url },
  })

test('expire deletes older versions, and keeps the current version of every record', async () => {
  const [id = '', other = ''] = await create(db.sql, 2)
  for (let v = 2; v <= 5; v++) await append(db.sql, version(id, v))
  await db.sql`update change set at = at - interval '3 days' where position <= 4`
  await assert.rejects(expire('--older-than', '2d'), (e) => {
    assert.ok(e instanceof Error && 'code' in e && 'stderr' in e)
    assert.equal(e.code, 1)
    assert.match(
      String(e.stderr),
      /Delete 4 events before .* \(positions 1 to 4\)\? .*confirm with --yes/,
    )
    return true
  })
  assert.equal((await db.sql`select 1 from change`).length, 6, 'without a yes nothing is deleted')
  const { stdout } = await expire('--older-than', '2d', '--yes')
  assert.match(stdout, /position 5\n/)
  assert.match(
    (await expire('--older-than', '2d')).stdout,
    /no event is older than .* position 5\n/,
  )
  const remaining = await db.sql<{ golden_id: string; version: number }[]>`
    select golden_id, version from change order by position`
  assert.deepEqual(
    remaining.map((k) => [k.golden_id, k.version]),
    [
      [other, 1],
      [id, 3],
      [id, 4],
      [id, 5],
    ],
  )
})

test('expire rejects an invalid age', async () => {
  for (const age of ['90', '1y', '-1d', ''])
    await assert.rejects(
      expire('--older-than', age),
      (e) => e instanceof Error && /a number with a unit/.test(e.message),
    )
})
