import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase, type Sql } from '../../mdm/db/database.ts'
import { accept } from '../../mdm/inbox/accept.ts'
import type { Pipeline } from '../../mdm/ingest/pipeline.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { dataDirectory } from '../cli/process.ts'
import { testDatabase } from '../database.ts'
import { connectors, type Delivery, post, worldDeliveries } from '../e2e/deliveries.ts'
import { eventually } from '../e2e/eventually.ts'
import { startFollower } from '../faults/follower.ts'
import { databaseUrl, type Installation, installation, VICTIMS } from '../faults/installation.ts'
import { startSender } from '../faults/sender.ts'
import { drain, policy } from '../fixtures/store.ts'
import { firstSeed } from '../property.ts'

/** `npm run test:soak` sets these to 20 and 10,000. */
const rounds = Number(process.env.TOUCHSTONE_I9_ROUNDS ?? 2)
const messages = Number(process.env.TOUCHSTONE_I9_MESSAGES ?? 600)
const seed = firstSeed
const drainMsMax = 120_000
const killedAfterMsMax = 400

test(`I9: ${rounds} kills during ${messages} messages lose no acknowledged message and apply none twice`, async (t) => {
  const random = generator(seed)
  t.diagnostic(`TOUCHSTONE_SEED=${seed}`)
  const deliveries = worldDeliveries({ companies: Math.ceil(messages / 12), seed }, messages)
  let it: Installation | undefined
  // Before the data directory goes.
  t.after(() => it?.abandon())
  const { dir, postmaster } = dataDirectory(t)
  let round = 0
  it = await installation(dir, () => round % 2 === 0)
  await it.start()
  const sender = startSender(it.origin, deliveries)
  const follower = startFollower(it.origin)
  t.after(() => follower.stop())
  const downs: string[] = []
  for (; round < rounds; round++) {
    const quota = Math.ceil((deliveries.length * (round + 1)) / (rounds + 1))
    const before = sender.acknowledged.length
    sender.allow(quota)
    // At any point between the first acknowledgement and the last, while workers still apply the
    // messages.
    const enough = before + Math.floor(random() * (quota - before))
    while (sender.acknowledged.length < enough) await Promise.race([sleep(2), sender.done])
    await sleep(random() * killedAfterMsMax)
    const victim = VICTIMS[round % VICTIMS.length] ?? 'everything'
    await it.kill(victim, random)
    const began = performance.now()
    await it.start()
    downs.push(
      `${victim} after ${sender.acknowledged.length}, back in ${Math.round(performance.now() - began)} ms`,
    )
  }
  sender.allow(deliveries.length)
  await sender.done
  t.diagnostic(`killed: ${downs.join('; ')}`)
  t.diagnostic(`seen by the sender: ${JSON.stringify(Object.fromEntries(sender.failures))}`)

  const sql = openDatabase(databaseUrl(dir), { connectionsMax: 2, name: 'test' })
  try {
    await drained(sql)
    await everyAcknowledgedIsThere(sql, sender.acknowledged)
    const head = await eventsAreDense(sql)
    await eventually(() => follower.positions.length >= head)
    assert.deepEqual(
      follower.positions,
      Array.from({ length: head }, (_, i) => i + 1),
      'a subscriber through all kills sees every event exactly once',
    )
    t.diagnostic(`a follower saw ${head} events, interrupted ${follower.interruptions} times`)
    const pipeline = { policy, engines: createEngines(policy), systems: systemsByName() }
    const check = await checkRebuild(sql, pipeline)
    assert.deepEqual(check.differences, [], 'the stored state equals a rebuild')
    assert.ok(check.golden > messages / 20)
    t.diagnostic(`${check.records} source records, ${check.golden} golden records`)
    await asIfNothingHappened(sql, { ...pipeline, connectors })

    const before = await state(sql)
    for (const d of deliveries) {
      const { status, body } = await post(it.origin, d)
      assert.deepEqual([status, body.accepted], [200, 0], d.path)
    }
    await drained(sql)
    assert.deepEqual(await state(sql), before, 'sending everything again changes nothing')
  } finally {
    await sql.end({ timeout: 1 })
  }
  assert.match(await it.stop(), /"stopped"/)
  assert.equal(
    postmaster(),
    null,
    'the database stops with its last user, although another process had started it',
  )
})

async function drained(sql: Sql): Promise<void> {
  for (const end = Date.now() + drainMsMax; ; await sleep(50)) {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from pending`
    if (row?.n === 0) return
    assert.ok(Date.now() < end, `${row?.n} messages still wait`)
  }
}

async function everyAcknowledgedIsThere(
  sql: Sql,
  acknowledged: readonly Delivery[],
): Promise<void> {
  const expected = new Set(
    acknowledged.flatMap((d) => d.messages.map((m) => `${d.source} ${m.messageId}`)),
  )
  const rows = await sql<{ id: string }[]>`select source || ' ' || message_id as id from inbox`
  assert.deepEqual(
    [...expected].filter((id) => !rows.some((r) => r.id === id)),
    [],
    'acknowledged and lost',
  )
  assert.equal(rows.length, expected.size, 'every stored message was sent')
}

/**
 * Asserts that positions are dense, and that each golden record and operational object has one event
 * for each of its versions. Returns the head of the feed.
 */
async function eventsAreDense(sql: Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as events, min(position) as first, max(position) as last,
      (select position from feed_head) as head from change`
  assert.deepEqual(row, { events: row?.head, first: 1, last: row?.head, head: row?.head })
  const gaps = await sql`
    select golden_id from change group by golden_id
    having min(version) <> 1 or max(version) <> count(*) or count(distinct version) <> count(*)`
  assert.deepEqual([...gaps], [], 'versions without an event, or with two')
  const [golden] = await sql`
    select (select sum(version)::int from golden) as versions,
      (select count(*)::int from change where golden_id in (select id from golden)) as events`
  assert.equal(golden?.events, golden?.versions)
  return row?.head
}

/**
 * Asserts that an empty store without any kill gives the same source records and exceptions for
 * these messages.
 */
async function asIfNothingHappened(
  sql: Sql,
  without: Omit<Pipeline, 'sql' | 'attemptsMax' | 'onError'>,
): Promise<void> {
  const clean = await testDatabase({ connectionsMax: 3 })
  const onError = (error: unknown) => {
    throw error
  }
  try {
    const rows = await sql<Parameters<typeof accept>[1]>`
      select source, message_id as "messageId", object, format, body, correlation_id as "correlationId"
      from inbox order by id`
    await accept(clean.sql, rows)
    await drain({ ...without, sql: clean.sql, attemptsMax: 1, onError })
    const [killed, spared] = [await contents(sql), await contents(clean.sql)]
    const differing = [...new Set([...killed.keys(), ...spared.keys()])].filter(
      (k) => killed.get(k) !== spared.get(k),
    )
    assert.deepEqual(
      differing.slice(0, 3).map((k) => [k, killed.get(k), spared.get(k)]),
      [],
      `${differing.length} records and exceptions differ from a run without kills`,
    )
  } finally {
    await clean.drop()
  }
}

async function contents(sql: Sql): Promise<Map<string, string>> {
  const rows = await sql<{ name: string; content: string }[]>`
    select key::text as name, concat_ws(' ', version, deleted, complete, canonical) as content from source_record
    union all
    select i.source || ' ' || i.message_id, o.code || ': ' || o.detail
    from outcome o join inbox i on i.id = o.inbox_id where o.outcome = 'EXCEPTION'`
  return new Map(rows.map((r) => [r.name, r.content]))
}

async function state(sql: Sql) {
  const [row] = await sql`
    select (select count(*)::int from inbox) as inbox, (select count(*)::int from outcome) as outcomes,
      (select position from feed_head) as head,
      (select md5(string_agg(r::text, '' order by id)) from source_record r) as records,
      (select md5(string_agg(g::text, '' order by id)) from golden g) as golden`
  return row
}

function systemsByName() {
  return new Map([...connectors].map(([name, c]) => [name, c.system]))
}

/** Mulberry32: one seed kills at the same points, as far as two processes repeat themselves. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let n = Math.imul(state ^ (state >>> 15), 1 | state)
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32
  }
}
