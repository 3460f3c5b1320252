import { randomUUID } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const CORRELATION_HEADER = 'x-correlation-id'

/** The caller's correlation id when it is a UUID, else a new one. Anything freer could carry text into logs. */
export function correlationId(header: string | string[] | undefined): string {
  return typeof header === 'string' && UUID.test(header) ? header.toLowerCase() : randomUUID()
}
