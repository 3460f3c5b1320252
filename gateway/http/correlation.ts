import { randomUUID } from 'node:crypto'
import { isUuid } from '../../schema/uuid.ts'

export const CORRELATION_HEADER = 'x-correlation-id'

/**
 * The caller's correlation id when it is a UUID, else a new one. Anything freer could carry text
 * into logs.
 */
export function correlationId(header: string | string[] | undefined): string {
  return typeof header === 'string' && isUuid(header) ? header.toLowerCase() : randomUUID()
}
