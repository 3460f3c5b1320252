import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkedTraceparent, currentTraceparent, SpanKind, traced } from '../../schema/trace.ts'
import { HttpError } from '../httpError.ts'
import { requireMethod } from './failure.ts'

/** Handles `POST /ingest/{source}`: reads the body and responds. */
export type IngestHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  delivery: { source: string; correlationId: string; traceparent?: string | null },
) => Promise<void>

const PREFIX = '/ingest/'

/** Returns true for the path of a delivery. */
export function isDelivery(path: string): boolean {
  return path.startsWith(PREFIX)
}

/**
 * Handles a delivery in a child span of the sender's span. The later work on its messages joins
 * that span too. Throws HttpError if this process accepts no deliveries.
 */
export async function deliver(
  handle: IngestHandler | undefined,
  req: IncomingMessage,
  res: ServerResponse,
  { path, correlationId }: { path: string; correlationId: string },
): Promise<void> {
  requireMethod(req, res, 'POST')
  if (!handle)
    throw new HttpError(
      404,
      'NO_INGEST_HERE',
      'This process accepts no deliveries: send them to one that does',
    )
  const delivery = { source: decode(path.slice(PREFIX.length)), correlationId }
  const parent = checkedTraceparent(req.headers.traceparent)
  const attributes = { 'touchstone.correlation_id': correlationId }
  await traced({ name: 'ingest', kind: SpanKind.SERVER, parent, attributes }, async (span) => {
    await handle(req, res, { ...delivery, traceparent: currentTraceparent() ?? parent })
    span?.setAttribute('http.response.status_code', res.statusCode)
  })
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new HttpError(400, 'BAD_PATH', 'The path is not valid percent-encoding')
  }
}
