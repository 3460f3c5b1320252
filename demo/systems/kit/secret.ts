import { randomBytes } from 'node:crypto'

/** Returns a new secret. It is never derived from the seed. */
export const secret = (prefix = ''): string => prefix + randomBytes(18).toString('base64url')
