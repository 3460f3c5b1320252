import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { accept, type NewMessage, PENDING_CHANNEL } from '../../../mdm/inbox/accept.ts'
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
