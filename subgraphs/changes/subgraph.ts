import { publicWebhooks, type Webhooks } from '../../mdm/webhooks/webhooks.ts'
import type { SharedEvent, Subgraph } from '../contract.ts'
import type { SqlOf } from '../shared/context.ts'
import { connectionSdl } from '../shared/listSdl.ts'
import { makeSubgraph, readSdl } from '../shared/subgraph.ts'
import type { Delivered } from './items.ts'
import { type ChangesDeps, cursor, resolvers } from './resolvers.ts'
import { goldenSdl } from './sdl.ts'
import { webhookResolvers } from './webhooks.ts'

/**
 * Creates the subgraph of the change feed: `changes` as subscription and as pages of the past,
 * webhooks, and the state of the feed.
 */
export function createChangesSubgraph(
  deps: ChangesDeps & { sqlOf: SqlOf; webhooks?: Webhooks },
): Subgraph {
  const sdl = ['schema.graphql', 'webhooks.graphql'].map((file) => readSdl(import.meta.url, file))
  const feed = resolvers(deps)
  const webhooks = webhookResolvers(deps.webhooks ?? publicWebhooks(deps.tailer.sql), deps.policy)
  const subgraph = makeSubgraph(
    'changes',
    [
      ...sdl,
      goldenSdl(deps.policy),
      // Neither is counted: the feed may hold hundreds of millions of events, and the log several
      // entries for each.
      connectionSdl({ type: 'Change', plural: 'events', counted: false }),
      connectionSdl({ type: 'WebhookDelivery', plural: 'deliveries', counted: false }),
      connectionSdl({ type: 'Webhook', plural: 'endpoints' }),
    ],
    {
      ...feed,
      ...webhooks,
      Query: { ...feed.Query, ...webhooks.Query },
    },
    deps.sqlOf,
  )
  return {
    ...subgraph,
    sharing: {
      event: (item) => sharedEvent(item as Delivered),
      liveFields: ['entity'],
      cursor: (item) => cursorOfItem(item as Delivered),
    },
  }
}

/**
 * Returns the identity of an event. Subscribers receive the same object, from the ring or from a
 * page of the table.
 */
function sharedEvent(item: Delivered): SharedEvent | null {
  return item.kind === 'CHANGE' ? { identity: item.event, order: item.event.position } : null
}

function cursorOfItem(item: Delivered): string | null {
  return item.kind === 'FAILED' ? null : cursor(item)
}
