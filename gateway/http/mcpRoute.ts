import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'
import { nestsWithin } from '../../schema/kit/nesting.ts'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import { prepareOperation } from '../execution/prepareOperation.ts'
import { isStream } from '../execution/runOperation.ts'
import type { Runtime } from '../execution/runtime.ts'
import { HttpError } from '../httpError.ts'
import type { QueryBounds } from '../limits/bounds.ts'
import { operationsOfBytes, operationsOfValues } from '../limits/callerBounds.ts'
import type { ReportError } from '../operation/maskErrors.ts'
import { PublishedOperations } from '../operation/publishedOperations.ts'
import { parseJson } from './body.ts'
import type { BodyMemory } from './bodyMemory.ts'
import { readBodyText } from './bodyText.ts'

/** Maximum nesting of a message: its readers are recursive. */
const messageDepthMax = 50

/** One request of an agent, whose caller is known and admitted. */
export interface McpExchange {
  req: IncomingMessage
  res: ServerResponse
  /** The one JSON-RPC message. */
  body: unknown
  /** Names of the golden types of the graph. */
  goldenTypes: readonly string[]
  /** Runs an operation as the caller, with its rights, masks, cost and limits. Never rejects. */
  run(text: string, variables: Record<string, unknown>): Promise<ExecutionResult>
  /** Receives each call of a tool, without values. */
  note(call: { tool: string; ok: boolean; ms: number }): void
}

export type McpHandler = (exchange: McpExchange) => Promise<void>

export interface McpEnvironment {
  runtime: Runtime
  bounds: QueryBounds
  bodies: BodyMemory
  report: ReportError
  handle: McpHandler
  note: McpExchange['note']
  /** Charges the caller for an operation's size beyond one operation. */
  charge(operations: number): void
}

/** Texts of tools are part of the program, so they count as published in every mode. */
const textsOfTools = new PublishedOperations()

/**
 * Serves the Model Context Protocol: POST with one JSON-RPC message. Throws HttpError for anything
 * else.
 */
export async function mcpOverHttp(
  req: IncomingMessage,
  res: ServerResponse,
  caller: RequestInfo,
  environment: McpEnvironment,
): Promise<void> {
  const { bounds, bodies, charge, runtime, report } = environment
  // A form on another site could send any other type without a preflight request.
  if (!/^\s*application\/json\s*(;|$)/i.test(req.headers['content-type'] ?? ''))
    throw new HttpError(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'Send the message as "Content-Type: application/json"',
    )
  const { text, bytes } = await readBodyText(req, bounds.bodyBytesMax, bodies)
  charge(operationsOfBytes(bytes))
  const body = parseJson(text, 'the body')
  if (Array.isArray(body))
    throw new HttpError(400, 'BATCHING_NOT_SUPPORTED', 'Send one message per request')
  if (!nestsWithin(messageDepthMax, body))
    throw new HttpError(
      400,
      'MESSAGE_TOO_DEEP',
      `The message nests more than ${messageDepthMax} levels`,
    )

  const run = async (
    query: string,
    variables: Record<string, unknown>,
  ): Promise<ExecutionResult> => {
    const prepared = await prepareOperation(
      { runtime, report, operations: textsOfTools, closing: [] },
      { query, hash: null, operationName: null, variables, includeCost: false },
      caller,
    )
    if (!('run' in prepared)) return { errors: prepared }
    charge(operationsOfValues(prepared.values))
    const abandon = () => {
      if (!res.writableFinished) prepared.abandon()
    }
    res.once('close', abandon)
    const result = await prepared.run()
    res.off('close', abandon)
    if (isStream(result)) throw new Error('a tool has a subscription')
    return result
  }
  await environment.handle({
    req,
    res,
    body,
    run,
    note: environment.note,
    goldenTypes: runtime.goldenTypes,
  })
}
