import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { transaction } from '../../../mdm/db/transaction.ts'
import { accept, type NewMessage, PENDING_CHANNEL } from '../../../mdm/inbox/accept.ts'
import { claim } from '../../../mdm/inbox/claim.ts'
import { requeue } from '../../../mdm/inbox/requeue.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase({ connectionsMax: 8 })
})
after(() => db.drop())

const message = (messageId: string, more: Partial<NewMessage> = {}): NewMessage => ({
  source: 'crm',
  messageId,
  object: 'Account',
  format: 'row',
  body: '{}',
  correlationId: randomUUID(),
  ...more,
})

async function counts() {
  const [row] = await db.sql<{ inbox: number; pending: number }[]>`
    select (select count(*)::integer from inbox) as inbox, (select count(*)::integer from pending) as pending`
  return { ...row }
}

test('stores messages in both the inbox and the queue or in neither; known ids change nothing', async () => {
  const first = await accept(db.sql, [message('a'), message('b'), message('a')])
  assert.deepEqual([first.accepted, first.duplicates], [2, 1])
  assert.ok(first.firstId !== null && first.lastId === first.firstId + 1)
  assert.deepEqual(await counts(), { inbox: 2, pending: 2 })
  const again = await accept(db.sql, [
    message('b', { body: '{"other":1}' }),
    message('b', { source: 'erp' }),
  ])
  assert.deepEqual(
    [again.accepted, again.duplicates],
    [1, 1],
    'another source system’s b is another message',
  )
  const [kept] = await db.sql<
    { body: string }[]
  >`select body from inbox where source = 'crm' and message_id = 'b'`
  assert.equal(kept?.body, '{}')
  assert.deepEqual(await accept(db.sql, []), {
    accepted: 0,
    duplicates: 0,
    firstId: null,
    lastId: null,
  })
  const known = await accept(db.sql, [message('a')])
  assert.deepEqual([known.accepted, known.duplicates, known.firstId], [0, 1, null])
})

test('a batch with a message that cannot be stored stores none', async () => {
  const before = await counts()
  await assert.rejects(accept(db.sql, [message('good'), message('bad', { body: 'NUL \u0000' })]))
  await assert.rejects(
    accept(db.sql, [message('good'), message('bad', { correlationId: 'no uuid' })]),
  )
  assert.deepEqual(await counts(), before)
})

test('stores messages that many senders send at once only once, and wakes the workers', async () => {
  const before = await counts()
  let woken = 0
  const listener = await db.sql.listen(PENDING_CHANNEL, () => woken++)
  const ids = Array.from({ length: 200 }, (_, i) => `same-${i}`)
  const shuffled = (seed: number) =>
    ids.map((id, i) => ({ id, at: (i * 7919 * (seed + 1)) % 211 })).sort((a, b) => a.at - b.at)
  const results = await Promise.all(
    [0, 1, 2, 3, 4].map((seed) =>
      accept(
        db.sql,
        shuffled(seed).map(({ id }) => message(id)),
      ),
    ),
  )
  assert.equal(
    results.reduce((n, r) => n + r.accepted, 0),
    200,
  )
  assert.deepEqual(await counts(), {
    inbox: (before.inbox ?? 0) + 200,
    pending: (before.pending ?? 0) + 200,
  })
  while (woken === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await listener.unlisten()
})

test('a burst of usage delays neither postings nor master data, and no class waits for ever', async () => {
  await db.sql`truncate pending`
  const many = (object: string, lane: NewMessage['lane'], count: number) =>
    Array.from({ length: count }, () => message(randomUUID(), { object, lane }))
  await accept(db.sql, many('meter', 'USAGE', 5_000))
  // One call may hold messages of several classes.
  await accept(db.sql, [
    ...many('invoice', 'POSTINGS', 150),
    ...many('account', 'MASTER', 150),
    ...many('meter', 'USAGE', 150),
  ])
  const replayed = await accept(db.sql, [message('replayed')])
  await db.sql`delete from pending where inbox_id = ${replayed.firstId}`
  await transaction(db.sql, (tx) => requeue(tx, [replayed.firstId ?? 0]))
  const claimed: string[] = []
  for (let n = 0; n < 16; n++)
    await transaction(db.sql, async (tx) => {
      const batch = await claim(tx, 100, null)
      const objects = new Set(batch.map((m) => (m.replay ? 'replay' : (m.object ?? ''))))
      assert.equal(objects.size, 1, 'a batch has one class')
      assert.deepEqual(
        batch.map((m) => m.inboxId),
        batch.map((m) => m.inboxId).toSorted((a, b) => a - b),
      )
      claimed.push([...objects][0] ?? '')
    })
  const batchesOf = (object: string) => claimed.filter((o) => o === object).length
  assert.deepEqual(
    [batchesOf('invoice'), batchesOf('account'), batchesOf('replay')],
    [2, 2, 1],
    claimed.join(' '),
  )
  assert.ok(claimed.lastIndexOf('invoice') < 8, 'postings come within the first turns')
  assert.ok(claimed.lastIndexOf('account') < 8)
  await db.sql`truncate pending`
})

test('what a posting calendar holds back is queued, applied in order at its end, and never late', async () => {
  const notBefore = new Date(Date.now() + 60_000)
  await accept(
    db.sql,
    ['held 1', 'held 2'].map((id) =>
      message(id, { object: 'invoice', lane: 'POSTINGS', notBefore }),
    ),
  )
  await accept(db.sql, [message('free 0', { object: 'payment', lane: 'POSTINGS' })])
  const next = () => transaction(db.sql, (tx) => claim(tx, 100, null))
  assert.deepEqual(
    (await next()).map((m) => m.messageId),
    ['free 0'],
  )
  assert.equal((await next()).length, 0)
  const [row] = await db.sql`
    select bool_or(measured) as measured, min(not_before) as "notBefore" from pending`
  assert.deepEqual({ ...row }, { measured: false, notBefore })
  await db.sql`update pending set not_before = now()`
  assert.deepEqual(
    (await next()).map((m) => m.messageId),
    ['held 1', 'held 2'],
  )
})

test('messages that other workers hold hide no other class', async () => {
  await accept(db.sql, [
    message('held', { object: 'invoice', lane: 'POSTINGS' }),
    message('free', { object: 'meter', lane: 'USAGE' }),
  ])
  await transaction(db.sql, async (held) => {
    for (let n = 0, taken = ''; taken !== 'held'; n++) {
      assert.ok(n < 8)
      taken = (await claim(held, 1, null))[0]?.messageId ?? ''
      if (taken === 'free')
        await accept(db.sql, [message(`free ${n}`, { object: 'meter', lane: 'USAGE' })])
    }
    for (let n = 0; n < 8; n++)
      await transaction(db.sql, async (tx) => {
        const batch = await claim(tx, 1, null, { worker: n % 2, workers: 2 })
        if (n === 0) assert.equal(batch.length, 1)
        await tx`insert into pending (inbox_id, lane) select inbox_id, 2 from unnest(${batch.map((m) => m.inboxId)}::bigint[]) as b (inbox_id)`
      })
  })
  await db.sql`truncate pending`
})
