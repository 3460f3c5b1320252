import { Refused, type Reply } from '../kit/exchange.ts'

export const errorReply = (
  status: number,
  message: string,
  code?: string,
  param?: string,
): Reply => ({
  status,
  body: {
    error: {
      ...(code ? { code } : {}),
      message,
      ...(param ? { param } : {}),
      type: status >= 500 ? 'api_error' : 'invalid_request_error',
    },
  },
})

export const missing = (status: number, object: string) => (id: string, param: string) =>
  new Refused(errorReply(status, `No such ${object}: '${id}'`, 'resource_missing', param))

export const invalid = (message: string, param: string, code?: string) =>
  new Refused(errorReply(400, message, code, param))

export const unknownParameter = (name: string) =>
  new Refused(
    errorReply(400, `Received unknown parameter: ${name}`, 'parameter_unknown', name),
    true,
  )
