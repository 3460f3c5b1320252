import { buildSubgraphSchema } from '@apollo/subgraph'
import type { Transport } from '@graphql-mesh/transport-common'
import DataLoader from 'dataloader'
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  isAbstractType,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { setOwn } from '../../../schema/kit/dictionary.ts'
import { currentTraceparent, SpanKind, traced } from '../../../schema/trace.ts'
import type { RequestInfo } from '../../../subgraphs/contract.ts'
import type { GatewayContext } from '../../execution/operationContext.ts'
import { type InternalTokens, internalTokens } from '../../identity/internal.ts'
import type { ReportError } from '../../operation/maskErrors.ts'
import { type OwnDocument, ownDocument } from './ownDocument.ts'
import { ownFields } from './ownFields.ts'
import type { NoteOutcome, OwnSubgraph } from './ownSubgraph.ts'
import { away, post } from './post.ts'
import { type MaySee, readResult } from './readResult.ts'
import { parseSdl } from './readSdl.ts'
import { SeenRepresentations } from './seenRepresentations.ts'

/** Prepared documents of one subgraph; plans are cached as long. */
const documentsMax = 1_000
/** Header of the token that names the caller to a subgraph that shares a secret with the gateway. */
const CALLER_HEADER = 'x-touchstone-caller'

/** Returns the types of these objects; leaves out those that the caller may not see. */
export type FindVisible = (
  context: GatewayContext,
  ids: readonly string[],
) => Promise<ReadonlyMap<string, string>>

export interface OwnTransportOptions {
  subgraphs: readonly OwnSubgraph[]
  /** Names of the types with an id that Touchstone owns. */
  shippedEntities: ReadonlySet<string>
  /** Returns true if row rights bind the caller. */
  isBound: (request: RequestInfo) => boolean
  findVisible: FindVisible
  report: ReportError
  note: NoteOutcome
}

interface OwnRequest {
  document: DocumentNode
  operationName?: string
  variables?: Record<string, unknown>
  operationType?: string
  context: GatewayContext
  signal?: AbortSignal
}

/** Executes operations on the subgraphs of the installation, over HTTP and within their bounds. */
export function ownTransport(options: OwnTransportOptions): Transport {
  const executors = new Map(options.subgraphs.map((own) => [own.name, ownExecutor(own, options)]))
  return {
    getSubgraphExecutor({ subgraphName }) {
      const executor = executors.get(subgraphName)
      if (!executor) throw new Error(`subgraph ${subgraphName} is not configured`)
      // The runtime's executor type is generic over results that its callers choose.
      return executor as never
    },
  }
}

function ownExecutor(own: OwnSubgraph, options: OwnTransportOptions) {
  const schema = readingSchema(own)
  const { listSizes } = ownFields([own])
  const tokens =
    own.caller.kind === 'SIGNED'
      ? internalTokens(own.caller.secret, `touchstone-subgraph:${own.name}`)
      : null
  const documents = new LRUCache<DocumentNode, OwnDocument>({ max: documentsMax })
  const isShipped = (type: string) => options.shippedEntities.has(type)
  let inProgress = 0

  return async (request: OwnRequest): Promise<ExecutionResult> => {
    const { document, operationName, context } = request
    const { request: caller } = context.operation
    let prepared = documents.get(document)
    if (!prepared) {
      prepared = ownDocument(schema, document, isShipped)
      documents.set(document, prepared)
    }
    const maySee = options.isBound(caller) ? visibility(options.findVisible, context) : null
    const seen = await SeenRepresentations.of(
      prepared,
      request.variables,
      maySee && ((type, id) => (isShipped(type) ? maySee(type, id) : Promise.resolve(true))),
    )
    if (seen.isEmpty) return { data: seen.nothing() }
    if (inProgress >= own.bounds.requestsMax)
      return { errors: [away(own.name, `${inProgress} requests are in progress (requestsMax)`)] }
    inProgress++
    try {
      const headers = await headersOf(own, tokens, context)
      const body = JSON.stringify({
        query: prepared.text,
        operationName,
        variables: seen.variables,
      })
      const raw = await traced(
        { name: `subgraph ${own.name}`, kind: SpanKind.CLIENT },
        async () => {
          const traceparent = currentTraceparent()
          if (traceparent) setOwn(headers, 'traceparent', traceparent)
          return await post(own, body, headers, request.signal ?? caller.signal)
        },
      )
      if (!raw.data && raw.errors.every((e) => e.code === 'UNAUTHENTICATED'))
        throw away(own.name, "it rejects this gateway's credentials")
      options.note(own.name, null)
      const result = await readResult(
        {
          subgraph: own.name,
          schema,
          document,
          operationName,
          variables: request.variables,
          itemsMax: own.bounds.itemsMax,
          listSizes,
          maySee,
          isShipped,
        },
        seen.restore(raw),
      )
      for (const e of result.errors ?? [])
        reportHidden(e, own.name, caller.correlationId, options.report)
      return result
    } catch (e) {
      if (!caller.signal?.aborted)
        options.note(own.name, e instanceof Error ? e.message : String(e))
      if (e instanceof GraphQLError) return { errors: [e] }
      throw e
    } finally {
      inProgress--
    }
  }
}

/** Returns the schema against which responses are read: without any resolver. */
function readingSchema({ sdl, name }: OwnSubgraph): GraphQLSchema {
  const schema = buildSubgraphSchema([{ typeDefs: parseSdl(sdl, name) }])
  for (const type of Object.values(schema.getTypeMap()))
    if (isAbstractType(type)) type.resolveType = undefined
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {}))
    field.resolve = undefined
  return schema
}

/** Returns which objects the caller may see, each looked up once for a fetch, together. */
function visibility(findVisible: FindVisible, context: GatewayContext): MaySee {
  const types = new DataLoader<string, string | null>(async (ids) => {
    const found = await findVisible(context, ids)
    return ids.map((id) => found.get(id) ?? null)
  })
  return async (type, id) => (await types.load(id)) === type
}

async function headersOf(
  own: OwnSubgraph,
  tokens: InternalTokens | null,
  { operation: { request } }: GatewayContext,
): Promise<Record<string, string>> {
  const headers = new Map(own.headers)
  headers.set('x-correlation-id', request.correlationId)
  if (own.caller.kind === 'TOKEN' && request.bearer !== undefined)
    headers.set('authorization', `Bearer ${request.bearer}`)
  if (tokens) headers.set(CALLER_HEADER, await tokens.sign(request))
  return Object.fromEntries(headers)
}

/** Logs the text that callers do not see, and removes it. */
function reportHidden(e: GraphQLError, name: string, id: string, report: ReportError): void {
  const { hidden } = e.extensions
  if (hidden === undefined) return
  Reflect.deleteProperty(e.extensions, 'hidden')
  report(new Error(`subgraph ${name}: ${String(hidden)}`), id)
}
