import type { PullPosition } from '../contract.ts'
import { openRequester, type RequesterOptions } from '../openRequester.ts'
import type { SourceConnection } from '../sourceConnection.ts'
import type { EventStream } from './contract.ts'
import { writeTemplate } from './writeTemplate.ts'

/** The service answers at least every 270 s, if only with a position. */
const silenceMsMax = 330_000
const retryMsMin = 500
const retryMsMax = 30_000
/** The place before the oldest event. */
const EARLIEST = 'EARLIEST'

export interface StreamOptions extends RequesterOptions {
  bodyOf: EventStream['bodyOf']
  silenceMsMax?: number
}

/** Returns whether a source system has a stream: its definition has one, and its settings too. */
export function hasStream({ definition, values }: SourceConnection): boolean {
  const { stream } = definition
  return stream !== null && [...stream.names].every((name) => values.has(name))
}

/** Opens the stream of a source system; null where it has none. Sends nothing before it is used. */
export function openStream(
  source: string,
  connection: SourceConnection,
  options: StreamOptions,
): EventStream | null {
  const { stream } = connection.definition
  if (!stream || !hasStream(connection)) return null
  const { credentials } = openRequester(source, connection, options)
  const topic = writeTemplate(stream.topic, connection.values)
  const now = options.now ?? Date.now
  const positionOf = (at: PullPosition['at']): PullPosition => ({
    ...{ mode: 'DELTA', at, expiresAt: now() + stream.expiresMs },
  })
  return {
    source,
    topic,
    bodyOf: options.bodyOf,
    earliest: () => positionOf(EARLIEST),
    async *read(from, signal) {
      // The client of gRPC costs time and memory that only a stream needs.
      const { Reader } = await import('./reader.ts')
      yield* new Reader({
        ...{ source, connection, stream, topic, credentials, positionOf },
        ...{ authorities: options.authorities, msMax: options.silenceMsMax ?? silenceMsMax },
        retry: {
          msMin: options.retry?.msMin ?? retryMsMin,
          msMax: options.retry?.msMax ?? retryMsMax,
        },
      }).read(from, signal)
    },
  }
}
