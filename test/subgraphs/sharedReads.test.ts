import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Sql } from '../../mdm/db/database.ts'
import { SharedReads } from '../../subgraphs/shared/sharedReads.ts'

/** Connections that nothing is asked of, and statements that end when the test says so. */
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

/** Nobody loses patience, however slow the machine is. */
const patient = 1_000_000

/** All that can happen without another event has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

const keysOf = (begun: { keys: readonly string[] }[]) => begun.map((s) => s.keys.join(' '))

test('the first is read at once; what is asked for meanwhile is one statement, each key in it once', async () => {
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
  // Asked after that statement has begun: it may not answer.
  const late = reads.read('golden', ['c'], () => sql, read)
  await begun[1]?.end()
  assert.deepEqual(keysOf(begun), ['a b', 'b c d', 'c'])
  await begun[2]?.end()
  for (const found of [...(await Promise.all(others)), await late])
    assert.equal(found.get('c'), 'value of c')
})

test('another name, and connections with other rights, are read apart', async () => {
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

test('who asks for much neither waits nor is waited for, and no statement holds more than 200 keys', async () => {
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

test('a key that is none fails its own reader alone; what fails otherwise fails all, and the next go on', async () => {
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

test('neither a statement that does not end holds others up for long, nor one that they share', async () => {
  const { sql, begun, read } = statements()
  const reads = new SharedReads()
  const came = async (statement: number) => {
    while (begun.length <= statement) await settled()
  }
  const stuck = reads.read('golden', ['a'], () => sql, read)
  const [light, heavy] = [['b'], ['c']].map((keys) => reads.read('golden', keys, () => sql, read))
  await came(1)
  assert.equal(begun[1]?.keys.join(), 'b,c')
  // Whoever shares it has one of its own when it takes long.
  await came(3)
  assert.deepEqual(keysOf(begun).slice(2), ['b', 'c'])
  await begun[2]?.end()
  assert.equal((await light)?.get('b'), 'value of b')
  // For a while everybody has: nobody waits for nothing once more.
  const next = reads.read('golden', ['d'], () => sql, read)
  assert.equal(begun.length, 5)
  for (const s of begun) await s.end()
  assert.equal((await heavy)?.get('c'), 'value of c')
  await Promise.all([stuck, next])
})

test('connections are asked for when a statement begins: those of rights that are seldom used come and go', async () => {
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

test('law: everybody gets the values of its keys, from a statement that began after it asked', async () => {
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
      const asked: Promise<void>[] = []
      for (const given of steps) {
        if (typeof given === 'number') open.splice(given % Math.max(1, open.length), 1)[0]?.()
        else {
          const at = ++now
          const check = (found: Map<string, number>) => {
            for (const k of given)
              assert.ok((found.get(k) ?? 0) > at, `${k} asked at ${at}, read at ${found.get(k)}`)
          }
          asked.push(reads.read('x', given, () => sql, read).then(check))
        }
        await Promise.resolve()
      }
      const all = Promise.all(asked)
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
