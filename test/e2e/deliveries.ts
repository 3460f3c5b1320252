import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Connector, InboundMessage } from '../../connectors/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { sign } from '../../connectors/signature.ts'
import { type WorldOptions, worldMessages } from '../../demo/world.ts'
import { developerHeaders } from '../developer.ts'
import { policy } from '../fixtures/store.ts'

/** The shipped source systems, with their development secrets. */
export const connectors: ReadonlyMap<string, Connector> = openConnectors(
  fileURLToPath(new URL('../../config/sources.yaml', import.meta.url)),
  policy,
  {},
)

/** One request of a source system, which it would retry until it is acknowledged. */
export interface Delivery {
  source: string
  /** URL path at the gateway. */
  path: string
  body: string
  /** The delivery's id, which stays the same across retries. */
  id: string
  /** The messages that the inbox must hold after the acknowledgement. */
  messages: InboundMessage[]
}

/** Records per body, for systems that batch. */
const batchRecordsMax = 5

export function delivery(source: string, object: string | null, body: string): Delivery {
  const connector = connectors.get(source)
  if (!connector) throw new Error(`no source system "${source}" in config/sources.yaml`)
  const id = `msg_${createHash('sha256').update(`${object}\n${body}`).digest('hex').slice(0, 32)}`
  const path = object === null ? `/ingest/${source}` : `/ingest/${source}/${object}`
  return {
    source,
    path,
    body,
    id,
    messages: connector.split(body, object, source === 'stripe' ? null : id),
  }
}

/**
 * The first `messages` of a demo world: Stripe sends event by event, the others some records at a
 * time.
 */
export function worldDeliveries(world: WorldOptions, messages: number): Delivery[] {
  const made: Delivery[] = []
  let batch: { source: string; object: string; bodies: string[] } | null = null
  let count = 0
  const flush = () => {
    if (batch) {
      const { source, object, bodies } = batch
      made.push(
        delivery(source, object, bodies.length === 1 ? (bodies[0] ?? '') : `[${bodies.join(',')}]`),
      )
    }
    batch = null
  }
  for (const m of worldMessages(world)) {
    if (count++ >= messages) break
    if (
      batch &&
      (batch.source !== m.source ||
        batch.object !== m.object ||
        batch.bodies.length >= batchRecordsMax)
    )
      flush()
    batch ??= { source: m.source, object: m.object, bodies: [] }
    batch.bodies.push(m.body)
    if (m.source === 'stripe') flush()
  }
  flush()
  return made
}

export interface DeliveryAnswer {
  status: number
  retryAfter: string | null
  body: {
    code?: string
    message?: string
    accepted?: number
    duplicates?: number
    correlationId?: string
  }
}

const answerMsMax = 20_000

/**
 * Signs a delivery as of now and posts it. `headers` override the signature's; a failed fetch
 * throws.
 */
export async function post(
  origin: string,
  d: Pick<Delivery, 'source' | 'path' | 'body' | 'id'>,
  options: { now?: number; headers?: Record<string, string> } = {},
): Promise<DeliveryAnswer> {
  const res = await fetch(new URL(d.path, origin), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...developerHeaders(origin),
      ...signature(d, options.now),
      ...options.headers,
    },
    body: d.body,
    signal: AbortSignal.timeout(answerMsMax),
  })
  return {
    status: res.status,
    retryAfter: res.headers.get('retry-after'),
    body: (await res.json()) as DeliveryAnswer['body'],
  }
}

export function signature(
  d: Pick<Delivery, 'source' | 'body' | 'id'>,
  now = Date.now(),
): Record<string, string> {
  const [secret = ''] = connectors.get(d.source)?.system.secrets ?? []
  return sign(d.source === 'stripe' ? 'STRIPE' : 'STANDARD_WEBHOOKS', secret, d.body, now, d.id)
}
