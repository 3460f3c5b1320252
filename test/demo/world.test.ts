import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { dirtKinds } from '../../demo/dirt.ts'
import { type TruthRow, type WorldMessage, worldItems, worldMessages } from '../../demo/world.ts'

const companies = 2000
const messages: WorldMessage[] = []
const truth: TruthRow[] = []
for (const made of worldItems({ companies, seed: 1 })) {
  if ('message' in made) messages.push(made.message)
  else truth.push(made.truth)
}

const digest = (options: { companies: number; seed: number }) => {
  const hash = createHash('sha256')
  for (const { source, object, format, body } of worldMessages(options))
    hash.update(`${source} ${object} ${format} ${body}\n`)
  return hash.digest('hex')
}

/** Returns the object and id of a message's record, as the truth names them. */
function subject(message: WorldMessage): { object: string; id: string } {
  const value = JSON.parse(message.body)
  if (message.source === 'salesforce') {
    return {
      object: message.object,
      id: message.format === 'rows' ? value.Id : value.payload.ChangeEventHeader.recordIds[0],
    }
  }
  if (message.source === 'stripe')
    return { object: value.data.object.object, id: value.data.object.id }
  if (message.source === 'netsuite') return { object: value.recordType, id: value.id }
  return { object: message.object, id: String(Object.values(value)[0]) }
}

const operational = new Set([
  'Opportunity',
  'price',
  'invoice',
  'payment_intent',
  'customerPayment',
  'transactionAccountingLine',
])
const keyOf = (source: string, object: string, id: string) => `${source} ${object} ${id}`

test('the same seed and size give the same world, and another seed gives another', () => {
  assert.equal(digest({ companies: 120, seed: 7 }), digest({ companies: 120, seed: 7 }))
  assert.notEqual(digest({ companies: 120, seed: 7 }), digest({ companies: 120, seed: 8 }))
})

test('a world of the default size has about 30,000 messages', () => {
  assert.ok(messages.length > 25_000 && messages.length < 35_000, String(messages.length))
})

test('rejects a wrong size', () => {
  assert.throws(
    () => [...worldMessages({ companies: 0, seed: 1 })],
    /companies must be a whole number of 1 or more, not 0/,
  )
})

test('the truth contains every master record once and nothing else', () => {
  const known = new Set<string>()
  for (const row of truth) {
    const key = keyOf(row.source, row.object, row.id)
    assert.ok(!known.has(key), `twice in the truth: ${key}`)
    known.add(key)
  }
  const seen = new Set<string>()
  for (const message of messages) {
    const { object, id } = subject(message)
    if (operational.has(object)) continue
    const key = keyOf(message.source, object, id)
    // A subscription is a contract only if it names one.
    if (object === 'subscription' && !JSON.parse(message.body).data.object.metadata.contract_number)
      continue
    assert.ok(known.has(key), `not in the truth: ${key}`)
    seen.add(key)
  }
  assert.equal(seen.size, known.size)
})

test('each true customer is in one to four sources, most in more than one', () => {
  const sources = new Map<string, Set<string>>()
  for (const row of truth) {
    if (row.type !== 'customers') continue
    sources.set(row.entity, (sources.get(row.entity) ?? new Set()).add(row.source))
  }
  assert.equal(sources.size, companies)
  const several = [...sources.values()].filter((names) => names.size > 1).length
  assert.ok(several / companies > 0.6, String(several))
})

test('every kind of dirt occurs, but none in every record', () => {
  const counts = new Map<string, number>()
  for (const row of truth)
    for (const kind of row.dirt) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  for (const kind of dirtKinds) {
    const count = counts.get(kind) ?? 0
    assert.ok(count >= 10, `${kind}: ${count}`)
    assert.ok(count < truth.length * 0.5, `${kind}: ${count} of ${truth.length}`)
  }
})

test('a few percent of the customers occur twice in one source', () => {
  for (const source of ['salesforce', 'stripe', 'netsuite', 'webshop']) {
    const rows = truth.filter((row) => row.type === 'customers' && row.source === source)
    const entities = new Set(rows.map((row) => row.entity))
    const share = (rows.length - entities.size) / rows.length
    assert.ok(share > 0.005 && share < 0.06, `${source}: ${share}`)
  }
})

test('events arrive twice, late and out of order in every source that sends events', () => {
  for (const source of ['salesforce', 'stripe', 'netsuite']) {
    const bodies = new Set<string>()
    const latest = new Map<string, number>()
    let repeats = 0
    let older = 0
    for (const message of messages) {
      if (message.source !== source || message.format !== 'events') continue
      if (bodies.has(message.body)) {
        repeats += 1
        continue
      }
      bodies.add(message.body)
      const { object, id } = subject(message)
      const value = JSON.parse(message.body)
      const at =
        value.payload?.ChangeEventHeader.commitTimestamp ??
        value.created ??
        Date.parse(value.lastModified)
      const key = `${object} ${id}`
      if (at < (latest.get(key) ?? 0)) older += 1
      latest.set(key, Math.max(at, latest.get(key) ?? 0))
    }
    assert.ok(
      repeats / bodies.size > 0.01 && repeats / bodies.size < 0.04,
      `${source} repeats: ${repeats} of ${bodies.size}`,
    )
    assert.ok(older >= 20, `${source} older after newer: ${older}`)
  }
})

test('some UPDATE arrives before its CREATE', () => {
  const updated = new Set<string>()
  let early = 0
  for (const message of messages) {
    if (message.source !== 'salesforce' || message.format !== 'events') continue
    const header = JSON.parse(message.body).payload.ChangeEventHeader
    if (header.changeType === 'UPDATE') updated.add(header.recordIds[0])
    if (header.changeType === 'CREATE' && updated.has(header.recordIds[0])) early += 1
  }
  assert.ok(early >= 2, String(early))
})

test('the truth marks exactly the records whose deletion is sent', () => {
  const gone = new Set<string>()
  for (const message of messages) {
    const value = JSON.parse(message.body)
    const { object, id } = subject(message)
    const type = value.payload?.ChangeEventHeader.changeType ?? value.type
    const key = keyOf(message.source, object, id)
    if (
      type === 'DELETE' ||
      type === 'delete' ||
      type === 'customer.deleted' ||
      value.IsDeleted === true
    )
      gone.add(key)
    if (type === 'UNDELETE') gone.delete(key)
  }
  const marked = new Set(
    truth.filter((row) => row.deleted).map((row) => keyOf(row.source, row.object, row.id)),
  )
  assert.ok(marked.size > 10)
  assert.deepEqual([...gone].sort(), [...marked].sort())
})
