import { createHash } from 'node:crypto'
import type { Reply } from '../kit/server.ts'

/** The last two digits of a code are its category. */
export const CATEGORY = {
  permission: 10,
  signIn: 11,
  input: 20,
  missing: 40,
  locked: 50,
  internal: 60,
  temporary: 61,
  limit: 70,
} as const

/** Returns the vendor's error body. Errors of a request are often sent with status 200. */
export function failed(
  status: number,
  category: number,
  message: string,
  headers?: Record<string, string>,
): Reply {
  return {
    status,
    ...(headers ? { headers } : {}),
    body: {
      success: false,
      processId: createHash('sha1').update(message).digest('hex').slice(0, 16).toUpperCase(),
      reasons: [{ code: 50_000_000 + category, message }],
    },
  }
}

export const notSignedIn: Reply = {
  status: 401,
  body: {
    success: false,
    reasons: [{ code: 90_000_011, message: 'this resource is protected, please sign in first' }],
  },
}
