import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { until } from '../../gateway/until.ts'
import { dataDirectory, touchstone } from '../process.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const secret = (name: string) => `${name}:${name.repeat(20)}`

/** Writes entries as the version before keys did. */
async function entriesWithoutKeys(count: number): Promise<void> {
  let hash: Uint8Array = Buffer.alloc(0)
  for (let id = 1; id <= count; id++) {
    const at = new Date(Date.UTC(2026, 9, id))
    const body = JSON.stringify({ id, at: at.toISOString(), event: 'CLAIM', actor: 'ada' })
    hash = createHash('sha256').update(hash).update(body).digest()
    await db.sql`insert into audit (id, at, body, hash) values (${id}, ${at}, ${body}::text::json, ${hash})`
  }
  await db.sql`update audit_head set id = ${count}, hash = ${hash}, keys = '{}'`
}

test('a server seals, rotates, refuses without its key, and names what the owner of the database did', async (t) => {
  const { dir } = dataDirectory(t)
  const heads = join(dir, 'heads.jsonl')
  const env = (keys: string) => ({
    DATABASE_URL: db.url,
    TOUCHSTONE_AUDIT_KEYS: keys,
    TOUCHSTONE_AUDIT_HEAD_FILE: heads,
    TOUCHSTONE_AUDIT_HEAD_SECONDS_MAX: '1',
  })
  const serve = async (keys: string) => {
    const server = touchstone(
      ['serve', '--port', '0', '--roles', 'gateway,deliver'],
      dir,
      env(keys),
    )
    t.after(() => server.child.kill('SIGKILL'))
    const [, url] = await server.says(/"url":"([^"]+)"/)
    return { ...server, url: new URL(url ?? '').origin }
  }
  const run = async (args: string[], keys: string) => {
    const done = touchstone(args, dir, env(keys))
    return { code: await done.ended, output: done.output() }
  }
  const lastHead = () => {
    if (!existsSync(heads)) return 0
    const line = readFileSync(heads, 'utf8').trim().split('\n').at(-1) ?? '{}'
    return (JSON.parse(line) as { position?: number }).position ?? 0
  }
  const verify = (keys: string, ...args: string[]) => run(['audit', 'verify', ...args], keys)
  const [k1, k2] = [secret('k1'), secret('k2')]

  await entriesWithoutKeys(3)
  assert.equal((await verify(k1)).code, 2, 'entries without a key prove nothing')
  const first = await serve(k1)
  await first.says(/are sealed by its first entry/)
  await until(() => lastHead() === 4)
  const key = ['keys', 'create', 'reader1', '--role', 'reader']
  assert.equal((await run(key, k1)).code, 0)
  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  assert.equal(lastHead(), 5, 'an orderly stop sends the last head')
  const sealed = await verify(k1, '--against', heads)
  assert.equal(sealed.code, 0, sealed.output)
  assert.match(sealed.output, /entries 1 to 3 are from before keys.* entry 4 seals them/)

  for (const strange of [
    ['serve', '--port', '0'],
    ['subgraph', 'stewardship', '--port', '0'],
  ]) {
    const stranger = touchstone(strange, dir, env(k2))
    assert.equal(await stranger.ended, 1)
    assert.match(stranger.output(), /continues with the key k1, and this process has k2/)
  }
  const second = await serve(`${k2},${k1}`)
  await second.says(/goes on under another key/)
  // The last process that still has the earlier key in front goes on under the later one.
  assert.equal(
    (await run(['keys', 'create', 'reader2', '--role', 'reader'], `${k1},${k2}`)).code,
    0,
  )
  const refused = await run(['keys', 'create', 'reader3', '--role', 'reader'], k1)
  assert.equal(refused.code, 1)
  assert.match(refused.output, /continues with the key k2/)
  await until(() => lastHead() === 7)
  second.child.kill('SIGKILL')
  await second.ended
  const rotated = await verify(`${k2},${k1}`, '--against', heads)
  assert.equal(rotated.code, 0, rotated.output)
  assert.match(rotated.output, /key k1: entries 4 to 5\n.*key k2: entries 6 to 7/)
  assert.equal((await verify(k1, '--against', heads)).code, 2)

  // An older backup, and a start on it.
  await db.sql.begin(async (tx) => {
    await tx.unsafe(`alter table audit disable trigger audit_append_only;
      delete from audit where id > 6; alter table audit enable trigger audit_append_only;
      update audit_head set id = 6, hash = (select hash from audit where id = 6)`)
  })
  const behind = await verify(`${k2},${k1}`, '--against', heads)
  assert.equal(behind.code, 1)
  assert.match(behind.output, /the database is behind.* position 7 .* ends at 6/)
  const third = await serve(`${k2},${k1}`)
  await third.says(/the audit log was changed: compare it with its heads/)
  const ready = await fetch(`${third.url}/health/ready`)
  const { checks } = (await ready.json()) as { checks: { name: string; code: string }[] }
  assert.equal(ready.status, 200)
  assert.equal(checks.find((c) => c.name === 'audit')?.code, 'AUDIT_BROKEN')
  const [actions] = [await run(['keys', 'create', 'reader4', '--role', 'reader'], `${k2},${k1}`)]
  assert.equal(actions.code, 0, 'actions go on')
  const found = await verify(`${k2},${k1}`)
  assert.equal(found.code, 1)
  assert.match(found.output, /a server has found the log broken at entry 7/)
  assert.match(readFileSync(heads, 'utf8').trim().split('\n').at(-1) ?? '', /"broken":7/)
  const resumed = await run(['audit', 'resume', '--reason', 'a restore'], `${k2},${k1}`)
  assert.equal(resumed.code, 0, resumed.output)
  await third.says(/heads of the audit log go on after a break/)
  third.child.kill('SIGTERM')
  await third.ended
  assert.doesNotMatch(readFileSync(heads, 'utf8').trim().split('\n').at(-1) ?? '', /broken/)
  assert.equal((await verify(`${k2},${k1}`)).code, 0, 'the log alone fits')
  const forked = await verify(`${k2},${k1}`, '--against', heads)
  assert.equal(forked.code, 1)
  assert.match(forked.output, /position 7 the hash .* forks there/)
})
