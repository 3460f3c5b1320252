import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Sql } from '../../mdm/db/database.ts'
import { SharedReads } from '../../subgraphs/shared/sharedReads.ts'

/** Creates a fake connection and statements that end only when the test ends them. */
function statements() {
  const sql = {} as Sql
  const begun: { keys: readonly string[]; sql: Sql; end(error?: Error): Promise<void> }[] = []
  const read = (keys: readonly string[], on: Sql) =>
    new Promise<Map<string, string>>((resolve, reject) => {
      const end = async (error?: Error) => {
        if (error) reject(error)
        else resolve(new Map(keys.map((k) => [k, `value of ${k}`])))
        await settled()
      }
      begun.push({ keys, sql: on, end })
    })
  return { sql, begun, read }
}

/** This wait is long enough that no read is isolated, however slow the machine is. */
const patient = 1_000_000

/** Waits until all pending callbacks have run. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

const keysOf = (begun: { keys: readonly string[] }[]) => begun.map((s) => s.keys.join(' '))

test('reads the first keys immediately and batches later ones into one statement with each key once', async () => {
  const { sql, begun, read } = statements()
  const reads = new SharedReads(patient)
  const first = reads.read('golden', ['a', 'b'], () => sql, read)
  const others = [
    reads.read('golden', ['b', 'c'], () => sql, read),
    reads.read('golden', ['c', 'd'], () => sql, read),
  ]
  assert.deepEqual(keysOf(begun), ['a b'])
  await begun[0]?.end()
  assert.deepEqual(keysOf(begun), ['a b', 'b c d'])
  assert.equal((await first).get('a'), 'value of a')
  // This read came after the statement began, so that statement may not serve it.
  const late = reads.read('golden', ['c'], () => sql, read)
  await begun[1]?.end()
  assert.deepEqual(keysOf(begun), ['a b', 'b c d', 'c'])
  await begun[2]?.end()
  for (const found of [...(await Promise.all(others)), await late])
    assert.equal(found.get('c'), 'value of c')
})

test('reads other names, and connections with other rights, separately', async () => {
  const { sql, begun, read } = statements()
  const reads = new SharedReads(patient)
  const other = {} as Sql
  const all = [
    reads.read('golden', ['a'], () => sql, read),
    reads.read('invoices', ['a'], () => sql, read),
    reads.read('golden', ['a'], () => other, read),
  ]
  assert.equal(begun.length, 3)
  assert.deepEqual(
    begun.map((s) => s.sql === other),
    [false, false, true],
  )
  for (const s of begun) await s.end()
  await Promise.all(all)
})

test('large reads do not wait or delay others, and no statement has more than 200 keys', async () => {
  const { sql, begun, read } = statements()
  const reads = new SharedReads(patient)
  const many = (n: number, from: number) => Array.from({ length: n }, (_, i) => `k${from + i}`)
  const all = [
    reads.read('golden', ['a'], () => sql, read),
    reads.read('golden', many(51, 0), () => sql, read),
    ...[0, 1, 2, 3, 4].map((n) => reads.read('golden', many(50, n * 50), () => sql, read)),
  ]
  assert.deepEqual(
    begun.map((s) => s.keys.length),
    [1, 51],
  )
  for (let n = 0; n < begun.length; n++) await begun[n]?.end()
  await Promise.all(all)
  assert.deepEqual(
    begun.map((s) => s.keys.length),
    [1, 51, 200, 50],
  )
})

test('an invalid key fails its own reader only; other errors fail all readers, and later reads continue', async () => {
  const { sql, begun, read } = statements()
  const reads = new SharedReads(patient)
  const first = reads.read('golden', ['a'], () => sql, read)
  const good = reads.read('golden', ['b'], () => sql, read)
  const bad = reads.read('golden', ['no uuid'], () => sql, read)
  await begun[0]?.end()
  await begun[1]?.end(Object.assign(new Error('invalid input syntax'), { code: '22P02' }))
  assert.deepEqual(keysOf(begun), ['a', 'b no uuid', 'b', 'no uuid'])
  await begun[2]?.end()
  const refused = assert.rejects(bad, /invalid input syntax/)
  await begun[3]?.end(Object.assign(new Error('invalid input syntax'), { code: '22P02' }))
  await Promise.all([first, refused])
  assert.equal((await good).get('b'), 'value of b')

  const away = [
    reads.read('golden', ['a'], () => sql, read),
    reads.read('golden', ['b'], () => sql, read),
  ]
  const lost = Promise.all(away.map((r) => assert.rejects(r, /lost/)))
  await begun[4]?.end(
    Object.assign(new Error('the connection is lost'), { code: 'CONNECTION_CLOSED' }),
  )
  await begun[5]?.end(
    Object.assign(new Error('the connection is lost'), { code: 'CONNECTION_CLOSED' }),
  )
  await lost
  const next = reads.read('golden', ['c'], () => sql, read)
  await begun[6]?.end()
  assert.equal((await next).get('c'), 'value of c')
})

test('a stalled statement does not block other reads for long, even those that share it', async () => {
  const { sql, begun, read } = statements()
  const reads = new SharedReads()
  const came = async (statement: number) => {
    while (begun.length <= statement) await settled()
  }
  const stuck = reads.read('golden', ['a'], () => sql, read)
  const [light, heavy] = [['b'], ['c']].map((keys) => reads.read('golden', keys, () => sql, read))
  await came(1)
  assert.equal(begun[1]?.keys.join(), 'b,c')
  // When a shared statement takes too long, each of its readers gets its own.
  await came(3)
  assert.deepEqual(keysOf(begun).slice(2), ['b', 'c'])
  await begun[2]?.end()
  assert.equal((await light)?.get('b'), 'value of b')
  // For a while all reads are isolated, so no one waits again.
  const next = reads.read('golden', ['d'], () => sql, read)
  assert.equal(begun.length, 5)
  for (const s of begun) await s.end()
  assert.equal((await heavy)?.get('c'), 'value of c')
  await Promise.all([stuck, next])
})

test('takes the connection when a statement begins, because rarely used connections may be closed', async () => {
  const { sql, begun, read } = statements()
  const reads = new SharedReads(patient)
  const first = reads.read('golden', ['a'], () => sql, read)
  let now = sql
  const second = reads.read('golden', ['b'], () => now, read)
  now = {} as Sql
  await begun[0]?.end()
  assert.equal(begun[1]?.sql, now)
  await begun[1]?.end()
  await Promise.all([first, second])
})

test('law: each reader gets the values of its keys from a statement that began after its request', async () => {
  const step = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 }),
    },
    { weight: 1, arbitrary: fc.nat(4) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const sql = {} as Sql
      const reads = new SharedReads(patient)
      let now = 0
      const open: (() => void)[] = []
      const read = (keys: readonly string[]) => {
        const began = ++now
        return new Promise<Map<string, number>>((resolve) => {
          open.push(() => resolve(new Map(keys.map((k) => [k, began]))))
        })
      }
      const results: Promise<void>[] = []
      for (const given of steps) {
        if (typeof given === 'number') open.splice(given % Math.max(1, open.length), 1)[0]?.()
        else {
          const at = ++now
          const check = (found: Map<string, number>) => {
            for (const k of given)
              assert.ok(
                (found.get(k) ?? 0) > at,
                `${k} requested at ${at}, read at ${found.get(k)}`,
              )
          }
          results.push(reads.read('x', given, () => sql, read).then(check))
        }
        await Promise.resolve()
      }
      const all = Promise.all(results)
      let over = false
      all
        .finally(() => {
          over = true
        })
        .catch(() => undefined)
      while (!over) {
        for (const end of open.splice(0)) end()
        await settled()
      }
      await all
    }),
    { numRuns: 200 },
  )
})
