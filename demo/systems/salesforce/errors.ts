import { Refused, type Reply } from '../kit/server.ts'

/** Returns an error of the data API: a list. */
export const errorReply = (status: number, errorCode: string, message: string): Reply => ({
  status,
  body: [{ message, errorCode }],
})

export const refused = (status: number, errorCode: string, message: string, unknown = false) =>
  new Refused(errorReply(status, errorCode, message), unknown)

export const invalidSession = (): Reply =>
  errorReply(401, 'INVALID_SESSION_ID', 'Session expired or invalid')

export const limitExceeded = (): Reply =>
  errorReply(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.')

/** A user without the permission to read an object sees no such object. */
export const noSuchObject = (object: string): Reply =>
  errorReply(400, 'INVALID_TYPE', `sObject type '${object}' is not supported.`)

/** Returns an error of the sign-in. */
export const signInError = (error: string, description: string) =>
  new Refused({ status: 400, body: { error, error_description: description } })
