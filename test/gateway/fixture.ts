import { EventEmitter, on } from 'node:events'
import { buildSubgraphSchema } from '@apollo/subgraph'
import DataLoader from 'dataloader'
import { GraphQLError, parse } from 'graphql'
import type { RequestInfo, Subgraph } from '../../subgraphs/contract.ts'

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external"])\n`

export interface Fixture {
  subgraphs: Subgraph[]
  /** The keys that loaders were called with, one entry per batch. */
  batches: { subgraph: string; keys: string[]; correlationId: string }[]
  /** How often each subgraph's context was created. */
  contexts: Map<string, number>
  names: Map<string, string>
  /** Sends an event to all subscribers. */
  emit(event: { position: string; id: string; fails?: boolean }): void
  subscribers(): number
  /**
   * How often the field that never resolves was requested, and the abort reasons of those requests.
   */
  forever(): number
  abandoned: string[]
  /** How often the field `detail` of an event was resolved. */
  detailsResolved(): number
}

interface Loaders {
  request: RequestInfo
  names: DataLoader<string, string>
  invoices: DataLoader<string, string[]>
}

/**
 * Creates three small subgraphs: two share the entity Customer, and events of the third carry it.
 */
export function fixture(): Fixture {
  const events = new EventEmitter()
  /** All events, from which subscriptions resume after the position of one. */
  const log: { position: string }[] = []
  let detailsResolved = 0
  events.setMaxListeners(0)
  const batches: Fixture['batches'] = []
  const contexts = new Map<string, number>()
  const abandoned: string[] = []
  let forever = 0
  const names = new Map(Array.from({ length: 20 }, (_, i) => [`c${i}`, `Customer ${i}`]))

  function subgraph(name: string, sdl: string, resolvers: object): Subgraph {
    const typeDefs = LINK + sdl
    return {
      name,
      sdl: typeDefs,
      schema: buildSubgraphSchema([{ typeDefs: parse(typeDefs), resolvers: resolvers as never }]),
      context(request): Loaders {
        contexts.set(name, (contexts.get(name) ?? 0) + 1)
        const load =
          <T>(value: (key: string) => T) =>
          async (keys: readonly string[]) => {
            batches.push({ subgraph: name, keys: [...keys], correlationId: request.correlationId })
            return keys.map(value)
          }
        return {
          request,
          names: new DataLoader(load((k) => names.get(k) ?? '')),
          invoices: new DataLoader(load((k) => [`${k}-1`, `${k}-2`])),
        }
      },
    }
  }

  const customer = subgraph(
    'customer',
    `type Query { customers(first: Int = 3): [Customer!]! customer(id: ID!): Customer fails(how: String!): String }
     type Mutation { rename(id: ID!, name: String!): Customer }
     type Customer @key(fields: "id") { id: ID! name: String! }`,
    {
      Query: {
        customers: (_: unknown, { first }: { first: number }) =>
          [...names.keys()].slice(0, first).map((id) => ({ id })),
        customer: (_: unknown, { id }: { id: string }) => (names.has(id) ? { id } : null),
        fails(_: unknown, { how }: { how: string }, { request: { signal } }: Loaders) {
          if (how === 'FOREVER')
            return new Promise((_, reject) => {
              forever++
              signal?.addEventListener('abort', () => {
                abandoned.push(signal.reason.extensions.code)
                reject(signal.reason)
              })
            })
          if (how === 'CODE')
            throw new GraphQLError('No such customer', { extensions: { code: 'NOT_FOUND' } })
          if (how === 'STORE')
            throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), {
              code: 'ECONNREFUSED',
            })
          if (how === 'SLOW')
            throw Object.assign(new Error('canceling statement'), { code: '57014' })
          if (how === 'FULL')
            throw Object.assign(new Error('could not extend file'), { code: '53100' })
          if (how === 'WAIT')
            return new Promise((resolve) => setTimeout(() => resolve('waited'), 300))
          if (how === 'BARE') throw new GraphQLError('secret in a GraphQLError without a code')
          throw new Error('secret: password of postgres://someone@db.internal')
        },
      },
      Mutation: {
        rename(_: unknown, { id, name }: { id: string; name: string }) {
          names.set(id, name)
          return { id }
        },
      },
      Customer: {
        __resolveReference: (ref: { id: string }) => ({ id: ref.id }),
        name: ({ id }: { id: string }, _: unknown, c: Loaders) => c.names.load(id),
      },
    },
  )
  const billing = subgraph(
    'billing',
    `type Customer @key(fields: "id") { id: ID! invoices: [Invoice!]! }
     type Invoice @key(fields: "id") { id: ID! customer: Customer! }
     type Query { invoice(id: ID!): Invoice }`,
    {
      Query: { invoice: (_: unknown, { id }: { id: string }) => ({ id }) },
      Customer: {
        __resolveReference: (ref: { id: string }) => ({ id: ref.id }),
        invoices: async ({ id }: { id: string }, _: unknown, c: Loaders) =>
          (await c.invoices.load(id)).map((i) => ({ id: i })),
      },
      Invoice: { customer: ({ id }: { id: string }) => ({ id: id.split('-')[0] }) },
    },
  )
  const changes = subgraph(
    'changes',
    `type Subscription { changes(after: String): Change! }
     type Query { head: String }
     type Change { position: String! customer: Customer! detail: String }
     type Customer @key(fields: "id", resolvable: false) { id: ID! }`,
    {
      Query: { head: () => '0' },
      Subscription: {
        changes: {
          // This is not a generator: `return` cannot end a generator that waits for its next event.
          subscribe(_: unknown, { after }: { after?: string | null }) {
            const iterator = on(events, 'change')
            const missed = after ? log.findIndex((e) => e.position === after) + 1 : log.length
            const past = log.slice(missed)
            const next = iterator.next.bind(iterator)
            iterator.next = () => {
              const event = past.shift()
              return event ? Promise.resolve({ done: false, value: [event] }) : next()
            }
            return iterator
          },
          resolve: ([event]: unknown[]) => event,
        },
      },
      Change: {
        customer: ({ id }: { id: string }) => ({ id }),
        detail({ fails }: { fails?: boolean }) {
          detailsResolved++
          if (fails) throw new Error('secret')
          return 'fine'
        },
      },
    },
  )
  return {
    subgraphs: [
      customer,
      billing,
      {
        ...changes,
        sharing: {
          event: (given) => {
            const [event] = given as [{ position: string }]
            return { identity: event, order: Number(event.position) }
          },
          liveFields: ['customer'],
          cursor: (given) => (given as [{ position: string }])[0].position,
        },
      },
    ],
    detailsResolved: () => detailsResolved,
    abandoned,
    forever: () => forever,
    batches,
    contexts,
    names,
    emit(event) {
      log.push(event)
      events.emit('change', event)
    },
    subscribers: () => events.listenerCount('change'),
  }
}
