import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'
import type { Sql } from '../../mdm/db/database.ts'
import { currentId } from '../../mdm/feed/current.ts'
import { cursorText, encodeCursor } from '../../mdm/feed/cursor.ts'
import { type FeedItem, follow } from '../../mdm/feed/follow.ts'
import { readCurrentIds, readHead } from '../../mdm/feed/read.ts'
import { RowVisibility, withoutNumbers } from '../../mdm/feed/rowVisibility.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import { sensitiveFields, visibleValues } from '../../mdm/feed/visible.ts'
import { changeSchemaMajor, cloudEvent } from '../../schema/cloudEvent.ts'
import { visibleChanges } from '../../schema/hiddenFields.ts'
import { isOperational } from '../../schema/operational.ts'
import type { Policy } from '../../schema/policy.ts'
import { changedName, typeEnumName } from '../golden/model.ts'
import type { RequestContext } from '../shared/context.ts'
import { type FilterArgs, filterOf } from './filterArgs.ts'
import { asGraphqlError, type Delivered, deliverFailures } from './items.ts'
import { type PastArgs, readPastPage } from './past.ts'
import { CUSTOMER, feedObjects } from './sdl.ts'

export interface ChangesDeps {
  policy: Policy
  tailer: Tailer
}

interface WatchArgs extends FilterArgs {
  id?: string | null
  after?: string | null
  snapshot?: boolean | null
}

type Values = Record<string, unknown>
type ChangeItem = Extract<FeedItem, { kind: 'CHANGE' }>
type SnapshotItem = Extract<FeedItem, { kind: 'SNAPSHOT' }>

export function resolvers({ policy, tailer }: ChangesDeps) {
  const select = visibleValues(policy)
  const sensitive = sensitiveFields(policy)
  const visible = (
    through: 'FEED' | 'SNAPSHOT',
    type: string,
    id: string,
    values: Values,
    context: RequestContext,
  ) => {
    const shown = select(type, values, context.scopes)
    context.shows(through, type, sensitive(type, values, context.scopes), id)
    return shown
  }
  const entity = async (type: string, goldenId: string, context: RequestContext) => {
    const read = (id: string) =>
      context.load<string | null>('current', id, null, (ids, sql) => readCurrentIds(sql, ids))
    const id = await currentId(tailer.tail, goldenId, read)
    return id === null ? null : { __typename: type, id }
  }
  const subscription = (argumentsOf: (args: WatchArgs) => WatchArgs) => ({
    async subscribe(_: unknown, args: WatchArgs, context: RequestContext) {
      const { scopes } = context
      const { after, snapshot, ...filter } = argumentsOf(args)
      try {
        const options = {
          after: after ?? null,
          snapshot: snapshot ?? false,
          filter: filterOf(policy, filter, scopes),
          sight: rowVisibilityOf(context),
          seal: context.seal,
          consumer: context.request.actor ?? null,
        }
        return deliverFailures(await follow(tailer, options))
      } catch (e) {
        throw asGraphqlError(e)
      }
    },
    resolve(item: Delivered) {
      if (item.kind === 'FAILED') throw item.error
      return item
    },
  })
  return {
    Query: {
      feed: async (_: unknown, _args: unknown, { seal }: RequestContext) => {
        const head = await readHead(tailer.sql)
        const { epoch } = head
        const own = seal && { seal, delivered: 0 }
        const at = (position: number) =>
          cursorText({ epoch, place: { kind: 'TAIL', position }, own })
        return {
          id: head.feed,
          epoch,
          // The numbers of a caller with row rights begin with these cursors.
          head: seal ? 0 : head.position,
          oldest: seal ? 0 : head.oldest,
          cursor: at(head.position),
          beginning: at(head.oldest - 1),
        }
      },
      changes: async (_: unknown, args: PastArgs, context: RequestContext) =>
        await readPastPage(
          tailer,
          filterOf(policy, args, context.scopes),
          args,
          rowVisibilityOf(context),
          context.seal,
        ),
    },
    Subscription: {
      changes: subscription((args) => args),
      ...Object.fromEntries(
        policy.types.map(({ name }) => [
          changedName(name),
          subscription(({ id, ...args }) => ({ ...args, types: [name], ids: id ? [id] : null })),
        ]),
      ),
    },
    ChangeItem: { __resolveType: (item: FeedItem) => typeNames[item.kind] },
    GoldenEntity: { __resolveType: (entity: { __typename: string }) => entity.__typename },
    GoldenType: Object.fromEntries(
      [...policy.types.map((t) => t.name), ...feedObjects(policy)].map((t) => [typeEnumName(t), t]),
    ),
    Position: PositionScalar,
    Snapshot: {
      cursor,
      goldenId: (s: SnapshotItem) => s.item.goldenId,
      type: (s: SnapshotItem) => s.item.type,
      version: (s: SnapshotItem) => s.item.version,
      position: (s: SnapshotItem) => (s.at.own ? 0 : s.item.position),
      values: ({ item }: SnapshotItem, _: unknown, context: RequestContext) =>
        visible('SNAPSHOT', item.type, item.goldenId, item.values, context),
      entity: (s: SnapshotItem, _: unknown, context: RequestContext) =>
        entity(s.item.type, s.item.goldenId, context),
    },
    Change: {
      cursor,
      position: (c: ChangeItem) => c.at.own?.delivered ?? c.event.position,
      op: (c: ChangeItem) => c.event.op,
      goldenId: (c: ChangeItem) => c.event.goldenId,
      type: (c: ChangeItem) => c.event.type,
      version: (c: ChangeItem) => c.event.version,
      before: ({ event }: ChangeItem, _: unknown, context: RequestContext) =>
        event.before && visible('FEED', event.type, event.goldenId, event.before, context),
      after: ({ event }: ChangeItem, _: unknown, context: RequestContext) =>
        event.after && visible('FEED', event.type, event.goldenId, event.after, context),
      changedFields: ({ event }: ChangeItem, _: unknown, { scopes }: RequestContext) =>
        visibleChanges(policy, event.type, event.changedFields, scopes),
      redirect: (c: ChangeItem) => c.event.redirect,
      members: (c: ChangeItem) => c.event.members,
      cause: (c: ChangeItem) => c.event.cause,
      policyVersion: (c: ChangeItem) => c.event.policyVersion,
      at: (c: ChangeItem) => c.event.at,
      entity: ({ event }: ChangeItem, _: unknown, context: RequestContext) =>
        isOperational(event.type) ? null : entity(event.type, event.goldenId, context),
      ...(policy.types.some((t) => t.name === CUSTOMER) && {
        customer: ({ event }: ChangeItem, _: unknown, context: RequestContext) =>
          event.customer === null ? null : entity(CUSTOMER, event.customer, context),
      }),
      cloudEvent({ event }: ChangeItem, { version }: { version: number }, context: RequestContext) {
        if (version !== changeSchemaMajor)
          throw new GraphQLError(
            `there is no version ${version} of change events, only ${changeSchemaMajor}`,
            {
              extensions: { code: 'UNKNOWN_SCHEMA_VERSION' },
            },
          )
        const before =
          event.before && visible('FEED', event.type, event.goldenId, event.before, context)
        const after =
          event.after && visible('FEED', event.type, event.goldenId, event.after, context)
        const changedFields = visibleChanges(
          policy,
          event.type,
          event.changedFields,
          context.scopes,
        )
        const shown = { ...event, before, after, changedFields }
        return cloudEvent(context.seal ? withoutNumbers(shown) : shown, tailer.tail.feed)
      },
    },
    ChangeCause: {
      system: (c: ChangeItem['event']['cause']) => c.source,
      recordId: (c: ChangeItem['event']['cause']) => c.sourceId,
      messageId: (c: ChangeItem['event']['cause'], _: unknown, { seal }: RequestContext) =>
        seal ? null : c.inboxId,
    },
    CaughtUp: {
      cursor,
      position: (c: FeedItem) => c.at.own?.delivered ?? c.at.place.position,
    },
    Lagged: {
      cursor,
      missed: (l: Extract<FeedItem, { kind: 'LAGGED' }>) => (l.at.own ? 0 : l.missed),
    },
    ChangeEdge: { cursor, node: (c: ChangeItem) => c },
  }
}

const visibilities = new WeakMap<Sql, RowVisibility>()

/**
 * Returns the row visibility of a caller with row rights, shared by all callers with equal rights.
 * Returns null for all others.
 */
function rowVisibilityOf(context: RequestContext): RowVisibility | null {
  if (!context.bound) return null
  const known = visibilities.get(context.sql)
  if (known) return known
  const sight = new RowVisibility(() => context.sql)
  visibilities.set(context.sql, sight)
  return sight
}

/**
 * The latest cursors, by position: subscribers at the head ask for the same ones, each some events
 * before or after the others.
 */
const latest: { epoch: string; position: number; text: string }[] = []
const latestMax = 64

/** Returns the cursor to resume after an item of the feed. */
export function cursor({ at }: Pick<FeedItem, 'at'>): string {
  const { epoch, place, own } = at
  if (own || place.kind !== 'TAIL') return cursorText(at)
  const { position } = place
  const known = latest[position % latestMax]
  if (known?.position === position && known.epoch === epoch) return known.text
  const text = encodeCursor(epoch, place)
  latest[position % latestMax] = { epoch, position, text }
  return text
}

const typeNames: Record<FeedItem['kind'], string> = {
  SNAPSHOT: 'Snapshot',
  CHANGE: 'Change',
  CAUGHT_UP: 'CaughtUp',
  LAGGED: 'Lagged',
  BOOKMARK: 'CaughtUp',
}

const PositionScalar = new GraphQLScalarType<number, number>({
  name: 'Position',
  serialize: (value) => Number(value),
  parseValue: whole,
  parseLiteral: (node) => whole(node.kind === Kind.INT ? Number(node.value) : null),
})

function whole(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new GraphQLError('a Position is a whole number up to 2^53', {
    extensions: { code: 'BAD_USER_INPUT' },
  })
}
