import { Refused, type Reply } from '../kit/server.ts'

/** Returns an error of the REST web services. */
export const errorReply = (
  status: number,
  title: string,
  errorCode: string,
  detail: string,
): Reply => ({
  status,
  headers: { 'content-type': 'application/vnd.oracle.resource+json; type=error; charset=UTF-8' },
  body: {
    type: `https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5`,
    title,
    status,
    'o:errorDetails': [{ detail, 'o:errorCode': errorCode }],
  },
})

export const badRequest = (detail: string, errorCode = 'INVALID_PARAMETER', unknown = false) =>
  new Refused(errorReply(400, 'Bad Request', errorCode, detail), unknown)

export const invalidLogin = (): Reply =>
  errorReply(401, 'Unauthorized', 'INVALID_LOGIN', 'Invalid login attempt.')

export const tooMany = (): Reply =>
  errorReply(
    429,
    'Too Many Requests',
    'CONCURRENCY_LIMIT_EXCEEDED',
    'Concurrent request limit exceeded. Request blocked.',
  )

/** A role without the permission on a record sees no such record. */
export const noSuchRecord = (): Reply =>
  badRequest('Invalid search query. Search error occurred: Record was not found.').reply
