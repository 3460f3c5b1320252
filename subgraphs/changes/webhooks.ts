import { GraphQLError } from 'graphql'
import type { CursorSeal } from '../../mdm/db/cursorSeal.ts'
import { openCursor } from '../../mdm/feed/cursor.ts'
import { requirePresent } from '../../mdm/feed/epochs.ts'
import { FeedError } from '../../mdm/feed/feedError.ts'
import type { FeedFilter } from '../../mdm/feed/filter.ts'
import { type Head, readHead } from '../../mdm/feed/read.ts'
import {
  type DeliveryFilter,
  type DeliveryRow,
  deliveryCondition,
  deliveryListing,
  latestDeliveries,
} from '../../mdm/webhooks/deliveries.ts'
import {
  type Endpoint,
  type EndpointRows,
  everyRow,
  readEndpoints,
} from '../../mdm/webhooks/endpoints.ts'
import { messageId } from '../../mdm/webhooks/message.ts'
import type { Answer } from '../../mdm/webhooks/post.ts'
import {
  changeWebhook,
  deleteWebhook,
  registerWebhook,
  replayWebhook,
  rotateWebhookSecret,
  setWebhookState,
  testWebhook,
  type WebhookOutcome,
  type Webhooks,
} from '../../mdm/webhooks/webhooks.ts'
import { OPERATIONAL_SCOPE } from '../../schema/operational.ts'
import type { Policy } from '../../schema/policy.ts'
import { isUuid } from '../../schema/uuid.ts'
import { callerOf } from '../shared/caller.ts'
import {
  connectionResolvers,
  listConnection,
  type MemoryOrder,
  memoryConnection,
  type PageArguments,
  pageRequest,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { type FilterArgs, filterOf } from './filterArgs.ts'
import { asGraphqlError } from './items.ts'

interface Change {
  url?: string | null
  description?: string | null
  filter?: FilterArgs | null
  schemaVersion?: number | null
  scopes?: string[] | null
}
type Input = Change & { url: string; secret?: string | null; after?: string | null }
type LogFilter = Omit<DeliveryFilter, 'positions'> & { ids?: string[] | null }

const idsMax = 1_000

const oldestEndpoints: MemoryOrder<Endpoint> = {
  order: [
    {
      column: { name: 'createdAt', sql: 'created_at', type: 'bigint', nullable: false },
      descending: false,
    },
    { column: { name: 'id', sql: 'id', type: 'uuid', nullable: false }, descending: false },
  ],
  valuesOf: (e) => [e.createdAt.getTime(), e.id],
}

/** Creates the resolvers of webhooks' queries and mutations. */
export function webhookResolvers(webhooks: Webhooks, policy: Policy): Resolvers {
  const { sql } = webhooks
  const sensitive = sensitiveScopes(policy)
  const load = async (id: string | null, context: RequestContext) => {
    if (id === null || !isUuid(id)) return null
    const found = await context.load<Endpoint | null>(
      'webhook',
      id.toLowerCase(),
      null,
      async (ids) => {
        const rows = await readEndpoints(sql, ids)
        return new Map(rows.map((e) => [e.id, e]))
      },
    )
    return found && mayManage(found, context) ? found : null
  }
  const known = async (id: string, context: RequestContext) =>
    isUuid(id) && (!context.bound || (await load(id, context)) !== null)
  /** Resolves a field and passes on errors of the feed, which are meant for the caller. */
  const field =
    <A>(work: (args: A, context: RequestContext) => unknown) =>
    async (_: unknown, args: A, context: RequestContext) => {
      try {
        return await work(args, context)
      } catch (e) {
        throw asGraphqlError(e)
      }
    }
  /** Resolves a field of an existing endpoint. A malformed id matches none. */
  const of = <A extends { id: string }>(
    work: (args: A, context: RequestContext) => Promise<WebhookOutcome>,
  ) =>
    field(async (args: A, context) => {
      const id = args.id.toLowerCase()
      return result(
        (await known(id, context)) ? await work({ ...args, id }, context) : unknown(id),
        context,
      )
    })
  const result = async (outcome: WebhookOutcome, context: RequestContext) =>
    outcome.code === 'REFUSED'
      ? { __typename: 'WebhookRefused', ...outcome }
      : {
          __typename: 'WebhookDone',
          webhook: await load(outcome.id, context),
          secret: outcome.secret,
        }
  const actorOf = (context: RequestContext) => callerOf(context).actor

  return {
    Query: {
      webhooks: field(async (page: PageArguments, context) => {
        const endpoints = (await readEndpoints(sql)).filter((e) => mayManage(e, context))
        return memoryConnection(page, endpoints, oldestEndpoints)
      }),
      webhook: field(({ id }: { id: string }, context) => load(id, context)),
      webhookDeliveries: field(
        ({ filter, ...page }: PageArguments & { filter?: LogFilter | null }, context) => {
          const condition = deliveryCondition(logFilter(filter ?? {}, context))
          return listConnection(
            context,
            deliveryListing,
            pageRequest(page, latestDeliveries, condition),
          )
        },
      ),
    },
    WebhookConnection: connectionResolvers,
    WebhookDeliveryConnection: connectionResolvers,
    Mutation: {
      registerWebhook: field(async ({ input }: { input: Input }, context) => {
        const scopes = grantedScopes(sensitive, input.scopes ?? null, context.scopes)
        const settings = {
          url: input.url,
          description: input.description ?? '',
          filter: filterOf(policy, input.filter ?? {}, new Set(scopes)),
          schemaVersion: input.schemaVersion ?? 1,
          scopes,
        }
        const { seal } = context
        const position = input.after ? placeAfter(await readHead(sql), input.after, seal) : null
        const done = await registerWebhook(
          webhooks,
          actorOf(context),
          settings,
          input.secret ?? null,
          position,
          rowsOf(context),
        )
        return await result(done, context)
      }),
      changeWebhook: of(({ id, change }: { id: string; change: Change }, context) =>
        changeWebhook(webhooks, actorOf(context), id, (now) => {
          const held = new Set(now.scopes)
          const wanted = change.scopes ?? now.scopes.filter((s) => context.scopes.has(s))
          const scopes = grantedScopes(
            sensitive.filter((s) => held.has(s)),
            wanted,
            context.scopes,
          )
          return {
            url: change.url ?? now.url,
            description: change.description ?? now.description,
            // With fewer scopes than before, a condition on a value may no longer be allowed.
            filter: filterOf(policy, change.filter ?? filterArgs(now.filter), new Set(scopes)),
            schemaVersion: change.schemaVersion ?? now.schemaVersion,
            scopes,
          }
        }),
      ),
      disableWebhook: of(({ id, reason }: { id: string; reason: string }, context) =>
        setWebhookState(webhooks, actorOf(context), id, 'DISABLED', reason),
      ),
      enableWebhook: of(({ id }: { id: string }, context) =>
        setWebhookState(webhooks, actorOf(context), id, 'ACTIVE', ''),
      ),
      deleteWebhook: of(({ id }: { id: string }, context) =>
        deleteWebhook(webhooks, actorOf(context), id),
      ),
      rotateWebhookSecret: of(
        (a: { id: string; secret?: string | null; overlapHours: number }, context) =>
          rotateWebhookSecret(webhooks, actorOf(context), a.id, a.secret ?? null, a.overlapHours),
      ),
      testWebhook: field(async ({ id }: { id: string }, context) => {
        const tested = (await known(id.toLowerCase(), context))
          ? await testWebhook(webhooks, id.toLowerCase())
          : unknown(id)
        if (tested.code !== 'ANSWERED') return { __typename: 'WebhookRefused', ...tested }
        return { __typename: 'WebhookAnswer', ...tested.answer }
      }),
      replayWebhook: field(async ({ id, filter }: { id: string; filter: LogFilter }, context) => {
        const done = (await known(id.toLowerCase(), context))
          ? await replayWebhook(
              webhooks,
              actorOf(context),
              id.toLowerCase(),
              logFilter(filter, context),
            )
          : unknown(id)
        if (done.code === 'REFUSED') return { __typename: 'WebhookRefused', ...done }
        return {
          __typename: 'WebhookReplayed',
          count: done.count,
          webhook: await load(done.id, context),
        }
      }),
    },
    Webhook: {
      position: (e: Endpoint, _: unknown, { seal }: RequestContext) => (seal ? 0 : e.position),
      lag: (e: Endpoint, _: unknown, { seal }: RequestContext) => (seal ? 0 : e.lag),
      missed: (e: Endpoint, _: unknown, { seal }: RequestContext) => (seal ? 0 : e.missed),
      filter: (e: Endpoint, _: unknown, { scopes }: RequestContext) =>
        shownFilter(policy, e.filter, scopes),
      disabledBecause: (e: Endpoint) => e.because,
      recordsWaiting: (e: Endpoint) => e.parked,
      deadLetters: (e: Endpoint) => e.dead,
      failuresInARow: (e: Endpoint) => e.failures,
    },
    WebhookAnswer: {
      delivered: ({ status }: Answer) => status !== null && status >= 200 && status < 300,
    },
    WebhookDelivery: {
      id: (d: DeliveryRow, _: unknown, { seal }: RequestContext) =>
        seal ? `${d.webhook}.${d.goldenId}.${d.version}` : `${d.webhook}.${d.position}`,
      position: (d: DeliveryRow, _: unknown, { seal }: RequestContext) => (seal ? 0 : d.position),
      webhook: (d: DeliveryRow, _: unknown, context: RequestContext) => load(d.webhook, context),
      async messageId(d: DeliveryRow, _: unknown, context: RequestContext) {
        const head = await context.load<Head | null>('feed head', '', null, async () => {
          return new Map([['', await readHead(sql)]])
        })
        return head && messageId({ ...d, epoch: head.lineage.epochOf(d.position) }, head.feed)
      },
      // An endpoint may repeat the data that it received.
      async response(d: DeliveryRow, _: unknown, context: RequestContext) {
        const endpoint = await load(d.webhook, context)
        return endpoint?.scopes.every((s) => context.scopes.has(s)) ? d.response : null
      },
    },
    WebhookResult: { __resolveType: typeName },
    WebhookTestResult: { __resolveType: typeName },
    WebhookReplayResult: { __resolveType: typeName },
  }
}

function rowsOf({ bound, request }: RequestContext): EndpointRows {
  return bound
    ? { regions: [...(request.regions ?? [])], legalEntities: [...(request.legalEntities ?? [])] }
    : everyRow
}

/**
 * Returns true if the caller may manage a webhook. A bound caller manages those with equal row
 * rights; an unbound caller manages all.
 */
function mayManage(e: Endpoint, { bound, request }: RequestContext): boolean {
  const same = (a: readonly string[] | null | undefined, b: readonly string[] | null | undefined) =>
    JSON.stringify(a?.toSorted() ?? []) === JSON.stringify(b?.toSorted() ?? [])
  return (
    !bound || (same(e.regions, request.regions) && same(e.legalEntities, request.legalEntities))
  )
}

function typeName(of: { __typename: string }): string {
  return of.__typename
}

function unknown(id: string): WebhookOutcome & { code: 'REFUSED' } {
  return {
    code: 'REFUSED',
    rule: 'UNKNOWN_WEBHOOK',
    detail: `there is no webhook "${id.slice(0, 60)}"`,
  }
}

/** Returns the scopes that fields of the model require. */
function sensitiveScopes(policy: Policy): string[] {
  const fields = [...policy.types, ...policy.groups.values()].flatMap((t) => t.fields)
  return [...new Set([OPERATIONAL_SCOPE, ...fields.flatMap((f) => f.sensitive ?? [])])].sort()
}

/**
 * Returns the scopes that an endpoint receives: the requested ones that can be granted, and never
 * more than the caller's own.
 */
function grantedScopes(
  there: readonly string[],
  wanted: string[] | null,
  scopes: ReadonlySet<string>,
): string[] {
  const missing = wanted?.find((s) => !there.includes(s) || !scopes.has(s))
  if (missing !== undefined)
    throw inputError(
      'MISSING_SCOPE',
      `the scope "${missing.slice(0, 64)}" cannot be granted: you lack it, or no field of the events needs it`,
    )
  return there.filter((s) => scopes.has(s) && (wanted === null || wanted.includes(s)))
}

function filterArgs({ values, ...lists }: FeedFilter): FilterArgs {
  return {
    ...(lists as FilterArgs),
    where: values?.map((v) => ({ field: v.path.join('.'), in: [...v.in] })) ?? null,
  }
}

/** Returns a filter without the values that the caller could not have filtered by. */
function shownFilter(policy: Policy, filter: FeedFilter, scopes: ReadonlySet<string>): FilterArgs {
  const args = filterArgs(filter)
  const where = args.where?.map((test) => {
    try {
      filterOf(policy, { types: args.types, where: [test] }, scopes)
      return test
    } catch (e) {
      if (!(e instanceof GraphQLError)) throw e
      return { field: test.field, in: [] }
    }
  })
  return { ...args, where: where ?? null }
}

function placeAfter(head: Head, cursor: string, seal: CursorSeal | null): number {
  const { epoch, place } = openCursor(cursor, seal)
  requirePresent(head.lineage, epoch, place.position)
  if (place.kind !== 'TAIL')
    throw new FeedError(
      'CURSOR_INVALID',
      'the cursor belongs to a snapshot; webhooks have no snapshots',
    )
  if (place.position > head.position)
    throw new FeedError('CURSOR_FUTURE', 'the cursor is beyond the end of the feed')
  if (place.position + 1 < head.oldest)
    throw new FeedError(
      'CURSOR_EXPIRED',
      seal
        ? 'the events after the cursor have expired'
        : `the cursor has position ${place.position}, the oldest available is ${head.oldest}`,
    )
  return place.position
}

const nobody = '00000000-0000-0000-0000-000000000000'

/** A malformed id matches nothing. */
function logFilter(
  { ids, webhook, goldenId, ...rest }: LogFilter,
  { seal }: RequestContext,
): DeliveryFilter {
  if (seal && (rest.fromPosition || rest.toPosition))
    throw inputError(
      'BAD_FILTER',
      'callers with row rights select deliveries by time, not by position',
    )
  const uuid = (id: string | null | undefined) => (id && !isUuid(id) ? nobody : (id ?? null))
  const filter: DeliveryFilter = { ...rest, webhook: uuid(webhook), goldenId: uuid(goldenId) }
  if (!ids) return filter
  if (ids.length > idsMax)
    throw inputError('TOO_MANY_IDS', `at most ${idsMax} ids at once, not ${ids.length}`)
  const places = ids.map((id) => /^([0-9a-f-]{36})\.(\d{1,16})$/i.exec(id))
  const versions = ids.map((id) => /^([0-9a-f-]{36})\.([0-9a-f-]{36})\.(\d{1,9})$/i.exec(id))
  if (seal)
    return {
      ...filter,
      versions: versions.flatMap((v) =>
        v && isUuid(v[1] ?? '') && isUuid(v[2] ?? '')
          ? [[v[1] ?? '', v[2] ?? '', Number(v[3])]]
          : [],
      ),
    }
  return {
    ...filter,
    places: places.flatMap((p) => (p && isUuid(p[1] ?? '') ? [[p[1] ?? '', Number(p[2])]] : [])),
  }
}
