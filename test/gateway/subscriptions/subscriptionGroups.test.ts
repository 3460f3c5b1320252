import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema, type ExecutionResult, parse } from 'graphql'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { All } from '../../../gateway/identity/caller.ts'
import { operationNamed, readDocument } from '../../../gateway/operation/document.ts'
import { eventSelectionOf } from '../../../gateway/subscriptions/eventSelection.ts'
import {
  SubscriptionGroup,
  SubscriptionGroups,
} from '../../../gateway/subscriptions/subscriptionGroups.ts'
import type { RequestInfo } from '../../../subgraphs/contract.ts'
import { testGateway } from '../gateway.ts'
import { until } from '../until.ts'

const request = (part: Partial<RequestInfo> = {}): RequestInfo => ({
  correlationId: '1',
  scopes: new Set(['feed:read', 'pii:read']),
  actor: 'ida',
  ...part,
})

const schema = buildSchema(`
  type Query { a: Int }
  type Subscription { changes(types: [String], after: String): Event customerChanged: Event }
  interface Event { op: String }
  type Change implements Event { op: String after: Int before: Int entity: Entity cloudEvent(version: Int): Int }
  type Entity { id: ID }
`)

function selectionOf(text: string, liveFields: string[]) {
  const operation = operationNamed(readDocument(schema, parse(text)), null)
  assert.ok(operation)
  const selection = eventSelectionOf(operation, new Set(liveFields))
  assert.ok(selection)
  return selection
}

function joined(groups: SubscriptionGroups, text: string, variables = {}, info = request()) {
  return groups.join(selectionOf(text, ['entity']), variables, info).group
}

test('groups subscribers with the same selection and the same rights, whichever events they subscribe to', () => {
  const selections = new SubscriptionGroups()
  const first = joined(selections, 'subscription { changes { ... on Change { op after } } }')
  const same: [string, object?, Partial<RequestInfo>?][] = [
    ['subscription Named { changes { ... on Change { op after } } }'],
    ['subscription { changes(types: [CUSTOMER], after: "x") { ... on Change { op after } } }'],
    [
      'subscription ($a: String) { changes(after: $a) { ... on Change { op after } } }',
      { a: 'other' },
    ],
    [
      'subscription { changes { ... on Change { op after } } }',
      {},
      { actor: 'otto', correlationId: '2' },
    ],
    [
      'subscription { changes { ... on Change { op after } } }',
      {},
      { scopes: new Set(['pii:read', 'feed:read']) },
    ],
  ]
  for (const [text, variables, more] of same)
    assert.equal(joined(selections, text, variables, request(more)), first, text)
  const other: [string, object?, Partial<RequestInfo>?][] = [
    ['subscription { changes { ... on Change { op } } }'],
    ['subscription { customerChanged { ... on Change { op after } } }'],
    ['subscription { them: changes { ... on Change { op after } } }'],
    [
      'subscription { changes { ... on Change { op after } } }',
      {},
      { scopes: new Set(['feed:read']) },
    ],
    ['subscription { changes { ... on Change { op after } } }', {}, { scopes: new Set() }],
    ['subscription { changes { ... on Change { op after } } }', {}, { scopes: new All() }],
    ['subscription { changes { ... on Change { op after } } }', {}, { regions: ['EMEA'] }],
    ['subscription { changes { ... on Change { op after } } }', {}, { legalEntities: ['DE01'] }],
    ['subscription { changes { ...C } } fragment C on Change { op after }'],
    ['subscription { changes { ...C } } fragment C on Change { op before }'],
    ['subscription ($v: Int!) { changes { ... on Change { cloudEvent(version: $v) } } }', { v: 1 }],
    ['subscription ($v: Int!) { changes { ... on Change { cloudEvent(version: $v) } } }', { v: 2 }],
    ['subscription { changes { ... on Change { op entity { id } } } }'],
    ['subscription { changes { ... on Change { op entity { id } } } }', {}, { actor: 'otto' }],
    ['subscription { changes { ... on Change { op entity { id } } } }', {}, { regions: ['EMEA'] }],
  ]
  const all = other.map(([text, variables, more]) =>
    joined(selections, text, variables, request(more)),
  )
  assert.equal(new Set([first, ...all]).size, all.length + 1)
})

test('forgets a selection without subscribers', () => {
  const groups = new SubscriptionGroups()
  const selection = selectionOf('subscription { changes { op } }', [])
  const two = [1, 2].map(() => groups.join(selection, {}, request()))
  assert.equal(groups.size, 1)
  for (const one of [...two, ...two]) one.leave()
  assert.equal(groups.size, 0)
})

test('does not share errors or unfinished results; old events do not evict new ones', async () => {
  const selection = new SubscriptionGroup(null)
  selection.subscribers = 3
  let made = 0
  const make = (result: ExecutionResult | null) => async () => {
    made++
    return result && { result, shown: [] }
  }
  const event = { identity: {}, order: 100 }
  assert.equal(await selection.resultOf(event, make(null)), null)
  assert.ok((await selection.resultOf(event, make({ errors: [{} as never] })))?.result.errors)
  const good = { data: {} }
  const other = { identity: {}, order: 100 }
  const results = await Promise.all([1, 2, 3].map(() => selection.resultOf(other, make(good))))
  assert.deepEqual(
    results.map((r) => r?.result),
    [good, good, good],
  )
  assert.equal(made, 3)
  for (let order = 0; order < 30; order++)
    await selection.resultOf({ identity: {}, order }, make(good))
  assert.equal(made, 33)
  for (let order = 101; order < 200; order++)
    await selection.resultOf({ identity: {}, order }, make(good))
  assert.equal(made, 132)
})

test('many subscribers of one selection cost one execution per event, and each gets every event once', async (t) => {
  const it = await testGateway()
  t.after(() => it.gateway.close(1_000))
  const client = () => {
    const made = createClient({
      url: it.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    })
    t.after(() => made.dispose())
    return made
  }
  const got: string[][] = []
  const subscribe = async (query: string) => {
    const own: string[] = []
    got.push(own)
    for await (const { data } of client().iterate<{ changes: { position: string } }>({ query }))
      own.push(data?.changes.position ?? '')
  }
  const many = 20
  for (let i = 0; i < many; i++)
    void subscribe('subscription { changes { position detail } }').catch(() => {})
  await until(() => it.fixture.subscribers() === many)
  for (let n = 1; n <= 50; n++) it.fixture.emit({ position: String(n), id: 'c1' })
  await until(() => got.every((own) => own.length === 50))
  for (const own of got)
    assert.deepEqual(
      own,
      Array.from({ length: 50 }, (_, i) => String(i + 1)),
    )
  assert.equal(it.fixture.detailsResolved(), 50)
  it.fixture.emit({ position: '51', id: 'c1', fails: true })
  await until(() => got.every((own) => own.length === 51))
  assert.equal(
    it.fixture.detailsResolved(),
    50 + many,
    'each subscriber gets its own error, because it names the correlation id',
  )
})
