import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../../mdm/inbox/claim.ts'
import { foldChange } from '../../../mdm/ingest/ties.ts'
import type { RecordState } from '../../../mdm/records/fold.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { connector } from '../../connectors/fixture.ts'
import fc from '../../property.ts'

const stripe = connector('stripe')
const key = recordKey('stripe', 'customer', 'cus_1')

/** One change of a customer: `seconds` since the one before, and whether its event names it. */
interface Step {
  field: 'name' | 'email' | 'phone'
  value: string | null
  seconds: number
  named: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  field: fc.constantFrom('name', 'email', 'phone'),
  value: fc.constantFrom(null, 'a@x.example', 'b@x.example', '+4930123456'),
  seconds: fc.constantFrom(0, 0, 0, 1),
  named: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
})

/** The events of a history, in their true order. */
function eventsOf(steps: readonly Step[]): Record<string, unknown>[] {
  let content: Record<string, unknown> = { id: 'cus_1', object: 'customer', name: 'start' }
  let created = 1_755_000_000
  const events = []
  for (const { field, value, seconds, named } of steps) {
    const before = { [field]: content[field] ?? null }
    if (before[field] === value) continue
    content = { ...content, [field]: value }
    created += seconds
    const data = { object: content, ...(named ? { previous_attributes: before } : {}) }
    events.push({ object: 'event', type: 'customer.updated', created, data })
  }
  return events
}

function messageOf(event: Record<string, unknown>, inboxId: number): Message {
  return {
    inboxId,
    source: 'stripe',
    messageId: `evt_${inboxId}`,
    object: 'customer',
    format: 'event',
    body: JSON.stringify(event),
    correlationId: `delivery ${inboxId}`,
    receivedAt: new Date(1_755_000_100_000),
    corrects: null,
    statedAt: null,
    traceparent: null,
    replay: false,
    measured: true,
  }
}

function applyAll(
  messages: readonly Message[],
  byId: ReadonlyMap<number, Message>,
): RecordState | null {
  const ties = {
    message: (id: number) => byId.get(id) ?? null,
    delivery: (id: number) => byId.get(id)?.correlationId ?? null,
  }
  let state: RecordState | null = null
  for (const message of messages)
    for (const change of stripe.read('event', message.body, null))
      state = foldChange(state, { key, message, change }, stripe, ties).state ?? state
  return state
}

function shuffled<T>(list: readonly T[], random: fc.Stream<number>): T[] {
  return list
    .map((one) => ({ one, at: random.next().value as number }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

test('I1, I10: Stripe events give the last content of their history, or a doubt, in any order of arrival and application', () => {
  let known = 0
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.nat()),
      (steps, random) => {
        const events = eventsOf(steps)
        const last = events.at(-1)
        if (!last) return
        const messages = shuffled(events, random).map((event, i) => messageOf(event, i + 1))
        const byId = new Map(messages.map((m) => [m.inboxId, m]))
        const state = applyAll(messages, byId)
        const again = applyAll(shuffled([...messages, ...messages], random), byId)
        const visible = (s: RecordState | null) => [s?.raw, s?.version, s?.deleted, s?.tied?.doubt]
        assert.deepEqual(visible(again), visible(state))
        // A value that returns without an event that names it cannot be seen.
        const first = (i: number) => i === 0 || events[i]?.created !== events[i - 1]?.created
        const complete = events.every((e, i) => 'previous_attributes' in Object(e.data) || first(i))
        if (!complete || (state?.tied?.doubt ?? []).length > 0) return
        known++
        const fields = (raw: unknown) =>
          stripe.map('customer', raw as Record<string, unknown>).fields
        assert.deepEqual(fields(state?.raw), fields((last.data as { object: unknown }).object))
      },
    ),
    { numRuns: Number(process.env.TOUCHSTONE_TIES_RUNS ?? 300) },
  )
  assert.ok(known > 0, 'some histories leave no doubt')
})

test('changed fields of one delivery and one moment: other fields add up, and two values of one field are a doubt', () => {
  const part = (inboxId: number, fields: Record<string, unknown>, delivery: string) => ({
    message: { ...messageOf({}, inboxId), correlationId: delivery },
    change: {
      object: 'customer',
      sourceId: 'cus_1',
      version: 1_755_000_000_000_000n,
      deleted: false,
      partial: true,
      raw: fields,
    },
  })
  const fold = (parts: ReturnType<typeof part>[]) => {
    const ties = {
      message: () => null,
      delivery: (id: number) =>
        parts.find((p) => p.message.inboxId === id)?.message.correlationId ?? null,
    }
    let state: RecordState | null = null
    for (const { message, change } of parts)
      state = foldChange(state, { key, message, change }, stripe, ties).state ?? state
    return [state?.raw, state?.tied?.doubt ?? []]
  }
  const both = (...parts: ReturnType<typeof part>[]) => {
    const result = fold(parts)
    assert.deepEqual(fold(parts.toReversed()), result)
    return result
  }
  assert.deepEqual(both(part(1, { name: 'A' }, 'd'), part(2, { email: 'a@x.example' }, 'd')), [
    { name: 'A', email: 'a@x.example' },
    [],
  ])
  assert.deepEqual(both(part(1, { name: 'A' }, 'd'), part(2, { name: 'B' }, 'd')), [
    { name: 'B' },
    [1],
  ])
  assert.deepEqual(both(part(1, { name: 'A' }, 'd'), part(2, { name: 'B' }, 'e')), [
    { name: 'B' },
    [],
  ])
})
