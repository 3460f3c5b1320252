import {
  countExceptions,
  type ExceptionCount,
  type ExceptionFilter,
  type ExceptionRow,
  exceptionCondition,
  exceptionListing,
  oldestExceptions,
  readExceptionsById,
} from '../../mdm/inbox/exceptions.ts'
import {
  correctException,
  discardExceptions,
  type ExceptionDesk,
  type ExceptionOutcome,
  missingScope,
  ownerOfException,
  readPayload,
  retryExceptions,
  typeOf,
  withOwner,
} from '../../mdm/ingest/exceptions.ts'
import { earliestWork, workListing, workOfMessage } from '../../mdm/ingest/exceptionWork.ts'
import { allStorable } from '../../schema/storable.ts'
import { sensitiveOf } from '../golden/mask.ts'
import { callerOf } from '../shared/caller.ts'
import {
  connectionResolvers,
  listConnection,
  type MemoryOrder,
  memoryConnection,
  type PageArguments,
  pageRequest,
  relatedConnection,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { idsMax, messageNumber } from './messageNumber.ts'
import { hiddenDetail, notShown, shownField, transformation } from './transformation.ts'

const NONE: ReadonlySet<string> = new Set()

const text = (name: string, nullable = false) =>
  ({ column: { name, sql: name, type: 'text', nullable }, descending: false }) as const
const mostFrequent: MemoryOrder<ExceptionCount> = {
  order: [
    { column: { name: 'count', sql: 'count', type: 'bigint', nullable: false }, descending: true },
    text('system'),
    text('object', true),
    text('code'),
  ],
  valuesOf: (c) => [c.count, c.system, c.object, c.code],
}

type FilterArgs = Omit<ExceptionFilter, 'ids' | 'places' | 'beyond'> & {
  ids?: string[] | null
  beyond?: string | null
  owner?: string | null
}
type Reasoned = { reason: string; idempotencyKey: string }

/** Creates the resolvers of the queries and mutations of inbound exceptions. */
export function exceptionResolvers(desk: ExceptionDesk): Resolvers {
  // Messages do not belong to a golden record yet: a caller with row rights sees none of them
  // (mdm/access/rowRightsSql.ts).
  const read = ({ sql }: RequestContext): ExceptionDesk => ({ ...desk, sql })
  /** A message is shown as a whole, so any sensitive field of its golden type may be in it. */
  const shows = (e: ExceptionRow, context: RequestContext) => {
    const as = typeOf(desk, e.system, e.object)
    for (const t of desk.policy.types.filter((g) => as === null || as === 'Kept' || as === g.name))
      context.shows('EXCEPTION', t.name, sensitiveOf(t), null)
  }
  const filterOf = async (given: FilterArgs | null | undefined, context: RequestContext) =>
    await withOwner(read(context), checked(desk, allStorable(given), context))

  return {
    Query: {
      async inboundExceptions(
        _: unknown,
        { filter, ...page }: PageArguments & { filter?: FilterArgs | null },
        context: RequestContext,
      ) {
        const condition = exceptionCondition(await filterOf(filter, context))
        return listConnection(
          context,
          exceptionListing,
          pageRequest(page, oldestExceptions, condition),
        )
      },
      async inboundExceptionCounts(
        _: unknown,
        { filter, ...page }: PageArguments & { filter?: FilterArgs | null },
        context: RequestContext,
      ) {
        const counts = await countExceptions(context.sql, await filterOf(filter, context))
        const rows = counts.map((c) => ({ ...c, owner: ownerOfException(desk, c) }))
        return memoryConnection(page, rows, mostFrequent)
      },
      inboundException: (_: unknown, { id }: { id: string }, context: RequestContext) => {
        const inboxId = messageNumber(id)
        if (inboxId === null) return null
        return context.load<ExceptionRow | null>(
          'exception',
          String(inboxId),
          null,
          async (ids, sql) => {
            const found = await readExceptionsById(sql, ids.map(Number))
            return new Map([...found].map(([n, row]) => [String(n), row]))
          },
        )
      },
    },
    Mutation: {
      async correctException(
        _: unknown,
        a: { id: string; payload: string; object?: string | null } & Reasoned,
        context: RequestContext,
      ) {
        const inboxId = messageNumber(a.id)
        if (inboxId === null || context.bound) return unknown(a.id)
        return result(
          await correctException(
            desk,
            callerOf(context),
            inboxId,
            { body: a.payload, object: a.object ?? null },
            a,
          ),
        )
      },
      async retryExceptions(
        _: unknown,
        { filter, limit, ...request }: { filter?: FilterArgs | null; limit: number } & Reasoned,
        context: RequestContext,
      ) {
        if (context.bound) return unbound
        return result(
          await retryExceptions(
            desk,
            callerOf(context),
            checked(desk, filter, context),
            limit,
            request,
          ),
        )
      },
      async discardExceptions(
        _: unknown,
        { ids, ...request }: { ids: string[] } & Reasoned,
        context: RequestContext,
      ) {
        const numbers = ids.map(messageNumber)
        const wrong = numbers.indexOf(null)
        if (wrong >= 0) return unknown(ids[wrong] ?? '')
        if (context.bound) return unbound
        const filter = { ids: numbers as number[] }
        return result(
          await discardExceptions(
            desk,
            callerOf(context),
            filter,
            Math.max(1, ids.length),
            request,
          ),
        )
      },
    },
    InboundException: {
      id: (e: ExceptionRow) => String(e.inboxId),
      type: (e: ExceptionRow) => typeOf(desk, e.system, e.object),
      recordId: (e: ExceptionRow) => e.sourceId,
      field: (e: ExceptionRow, _: unknown, { scopes }: RequestContext) =>
        shownField(desk, e, scopes),
      detail(e: ExceptionRow, _: unknown, context: RequestContext) {
        const hidden = hiddenDetail(desk, e, context.scopes)
        if (hidden === null && hiddenDetail(desk, e, NONE) !== null) shows(e, context)
        return hidden ?? e.detail
      },
      owner: (e: ExceptionRow) => ownerOfException(desk, e),
      ageSeconds: (e: ExceptionRow) => (Date.now() - e.receivedAt.getTime()) / 1000,
      payload(e: ExceptionRow, _: unknown, context: RequestContext) {
        if (missingScope(desk, e, context.scopes)) return null
        shows(e, context)
        return readPayload(read(context), e.inboxId)
      },
      transformation: async (
        e: ExceptionRow,
        { payload, object }: { payload?: string | null; object?: string | null },
        context: RequestContext,
      ) => {
        const { scopes } = context
        // Read as another object, hidden values of one field would appear in another.
        const hidden = payload || !object ? null : missingScope(desk, e, scopes)
        if (hidden) return { code: 'MISSING_SCOPE', detail: notShown(hidden), records: [] }
        if (!payload) shows(e, context)
        return transformation(
          desk,
          e,
          payload ?? (await readPayload(read(context), e.inboxId)) ?? '',
          object ?? e.object,
          scopes,
        )
      },
      work: (e: ExceptionRow, args: PageArguments, context: RequestContext) =>
        relatedConnection(
          context,
          `exceptionWork ${JSON.stringify(args)}`,
          { listing: workListing, relation: workOfMessage, parent: String(e.inboxId) },
          pageRequest(args, earliestWork),
        ),
    },
    InboundExceptionConnection: connectionResolvers,
    InboundExceptionCountConnection: connectionResolvers,
    InboundExceptionWorkConnection: connectionResolvers,
    InboundExceptionResult: { __resolveType: (of: { __typename: string }) => of.__typename },
  }
}

function checked(
  desk: ExceptionDesk,
  given: FilterArgs | null | undefined,
  { scopes }: RequestContext,
): ExceptionFilter & { owner?: string | null } {
  const { ids, beyond, ...rest } = given ?? {}
  const filter = { ...rest, beyond: beyond ? messageNumber(beyond) : null }
  const hidden = desk.policy.types.flatMap((t) => t.fields.flatMap((f) => f.sensitive ?? []))
  const missing = hidden.find((s) => !scopes.has(s))
  if (filter.text && missing)
    throw inputError('MISSING_SCOPE', `a search in reasons needs the scope ${missing}`)
  if (!ids) return filter
  if (ids.length > idsMax)
    throw inputError('TOO_MANY_IDS', `at most ${idsMax} ids at once, not ${ids.length}`)
  // A malformed number matches no message.
  return { ...filter, ids: ids.map(messageNumber).filter((n) => n !== null) }
}

function result(outcome: ExceptionOutcome) {
  return outcome.code === 'DONE'
    ? { __typename: 'InboundExceptionDone', ...outcome }
    : { __typename: 'InboundExceptionRefused', ...outcome }
}

const unbound = {
  __typename: 'InboundExceptionRefused',
  rule: 'UNKNOWN_EXCEPTION',
  detail: 'exceptions are available only to callers without row rights',
}

function unknown(id: string) {
  return {
    __typename: 'InboundExceptionRefused',
    rule: 'UNKNOWN_EXCEPTION',
    detail: `"${id.slice(0, 60)}" is not the id of an exception, which is the number of the message in the inbox`,
  }
}
