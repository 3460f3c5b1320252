import { randomUUID } from 'node:crypto'
import { isUuid } from '../../schema/uuid.ts'

export const CORRELATION_HEADER = 'x-correlation-id'

/**
 * Returns the caller's correlation id if it is a UUID, otherwise a new one. Any freer format could
 * carry text into logs.
 */
export function correlationId(header: string | string[] | undefined): string {
  return typeof header === 'string' && isUuid(header) ? header.toLowerCase() : randomUUID()
}
