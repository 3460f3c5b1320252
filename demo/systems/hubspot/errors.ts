import { randomUUID } from 'node:crypto'
import { Refused, type Reply } from '../kit/server.ts'
import type { InvalidProperty } from './values.ts'

interface Details {
  category?: string
  errors?: readonly Record<string, unknown>[]
  [name: string]: unknown
}

/** Returns an error as HubSpot words it. */
export function errorReply(status: number, message: string, details: Details = {}): Reply {
  const body = { status: 'error', message, correlationId: randomUUID(), ...details }
  return { status, body }
}

export const badRequest = (message: string, unknown = false) =>
  new Refused(errorReply(400, message, { category: 'VALIDATION_ERROR' }), unknown)

/** Refuses values of properties; HubSpot puts the list into the text of the error. */
export const invalidValues = (invalid: readonly InvalidProperty[]) =>
  new Refused(
    errorReply(400, `Property values were not valid: ${JSON.stringify(invalid)}`, {
      category: 'VALIDATION_ERROR',
      errors: invalid.map(({ message, error, name }) => ({
        message,
        code: error,
        context: { propertyName: [name] },
      })),
    }),
    invalid.some(({ error }) => error === 'PROPERTY_DOESNT_EXIST'),
  )

export const notFound = (message: string) =>
  new Refused(errorReply(404, message, { category: 'OBJECT_NOT_FOUND' }))

export const missingScope = (scope: string): Reply =>
  errorReply(403, 'This app has not been granted all required scopes to make this call.', {
    category: 'MISSING_SCOPES',
    errors: [
      {
        message: 'One or more of the following scopes are required.',
        context: { requiredScopes: [scope] },
      },
    ],
  })

export const limitReply = (policyName: 'TEN_SECONDLY_ROLLING' | 'SECONDLY'): Reply =>
  errorReply(429, `You have reached your ${policyName.toLowerCase()} limit.`, {
    errorType: 'RATE_LIMIT',
    policyName,
    groupName: `publicapi:private-app:${policyName.toLowerCase()}`,
  })
