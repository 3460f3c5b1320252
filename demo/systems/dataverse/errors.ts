import { Refused, type Reply } from '../kit/server.ts'

/** Returns an error of the Web API. */
export const errorReply = (status: number, code: string, message: string): Reply => ({
  status,
  body: { error: { code, message } },
})

export const badRequest = (message: string, unknown = false) =>
  new Refused(errorReply(400, '0x80060888', message), unknown)

export const notFound = (message: string, unknown = false) =>
  new Refused(errorReply(404, '0x8006088a', message), unknown)

export const noPrivilege = (logicalName: string, access: string): Reply =>
  errorReply(
    403,
    '0x80040220',
    `Principal user is missing prv${access}${logicalName} privilege on this entity.`,
  )

export const expiredVersion = (): Reply =>
  errorReply(
    400,
    '0x80044352',
    'Version stamp associated with the client has expired. Please perform a full sync.',
  )
