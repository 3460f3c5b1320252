import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type ExecutionResult, execute, parse } from 'graphql'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import type { ClosedTime, Hold } from '../../schema/closedTime.ts'
import { laneNumber } from '../../schema/lane.ts'
import { createOperationsSubgraph } from '../../subgraphs/operations/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { ofKind } from '../connectors/fixture.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty, policy } from '../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, write_intent cascade`
  await db.sql`
    insert into sync_state (source, object, state, since, due_at)
    select 'erp', object, state, clock_timestamp(), clock_timestamp() + due
    from (values ('Customer', 'IDLE', interval '-1 minute'), ('Invoice', 'PAUSED', interval '-1 minute'),
      ('Product', 'IDLE', interval '1 hour')) as o (object, state, due)`
})
after(async () => await db?.drop())

const hourMs = 3_600_000

/** Asks for the objects of a source system that has these closed times. */
async function ask(calendar: readonly ClosedTime[]): Promise<unknown> {
  const kind = ofKind('netsuite')
  const erp = { ...kind, system: { ...kind.system, name: 'erp', calendar } }
  const subgraph = createOperationsSubgraph({
    ...{ sql: db.sql, sqlOf: unbound(db.sql), policy, rules: DEFAULT_RULES },
    connectors: new Map([['erp', erp]]),
  })
  const { data, errors } = (await execute({
    schema: subgraph.schema,
    document: parse(
      '{ connections(filter: { objects: ["Customer"] }) { nodes { object closedUntil closed { holds until why waiting } } } }',
    ),
    contextValue: subgraph.context({
      ...{ correlationId: crypto.randomUUID(), scopes: new Set(['source:read']) },
      ...{ actor: 'ida', roles: new Set(['integrator']) },
    }),
  })) as ExecutionResult<{ connections: { nodes: unknown[] } }>
  assert.equal(errors, undefined)
  return JSON.parse(JSON.stringify(data?.connections.nodes[0]))
}

const closed = (holds: readonly Hold[], hours: number, why: string): ClosedTime => ({
  ...{ from: Date.now() - hourMs, to: Math.ceil(Date.now() / hourMs) * hourMs + hours * hourMs },
  ...{ holds, why },
})

test('an object of an open source system says so', async () => {
  assert.deepEqual(await ask([]), { object: 'Customer', closedUntil: null, closed: [] })
})

test('an object says until when its source system is closed, why, and how much waits', async () => {
  const move = closed(['PULL', 'WRITE'], 2, 'move')
  const month = closed(['POSTINGS'], 5, 'closing of the month')
  const [inbox] = await db.sql<{ id: number }[]>`
    insert into inbox (source, message_id, object, format, body, correlation_id)
    values ('erp', 'm1', 'Invoice', 'row', '{}', gen_random_uuid()) returning id`
  await db.sql`
    insert into pending (inbox_id, not_before, measured, lane)
    values (${inbox?.id ?? 0}, clock_timestamp() + interval '5 hours', false, ${laneNumber('POSTINGS')}::smallint)`
  assert.ok('to' in move && 'to' in month)
  const [until, later] = [move.to, month.to].map((ms) => new Date(ms).toISOString())
  assert.deepEqual(await ask([move, month]), {
    ...{ object: 'Customer', closedUntil: until },
    closed: [
      // Customer is due; Invoice is paused, and Product has time.
      { holds: 'PULL', until, why: 'move', waiting: 1 },
      { holds: 'WRITE', until, why: 'move', waiting: 0 },
      { holds: 'POSTINGS', until: later, why: 'closing of the month', waiting: 1 },
    ],
  })
})
