import { Refused, type Reply } from '../kit/exchange.ts'

export const errorReply = (status: number, code: string, value: string): Reply => ({
  status,
  body: { error: { code, message: { lang: 'en', value }, innererror: {} } },
})

export const refused = (status: number, code: string, value: string, unknown = false) =>
  new Refused(errorReply(status, code, value), unknown)

export const noToken = (): Reply => ({
  status: 403,
  headers: { 'x-csrf-token': 'Required', 'content-type': 'text/plain' },
  body: 'CSRF token validation failed',
})
