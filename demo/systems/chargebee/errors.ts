import { Refused } from '../kit/exchange.ts'

export const errorReply = (
  status: number,
  code: string,
  message: string,
  type = 'invalid_request',
) => ({
  status,
  body: { message, type, api_error_code: code, error_code: code, http_status_code: status },
})

/** Refuses a parameter. */
export function wrongValue(param: string, text: string, unknown = false): Refused {
  const reply = errorReply(400, 'param_wrong_value', `${param} : ${text}`)
  return new Refused({ ...reply, body: { ...reply.body, param } }, unknown)
}

export const unknownParameter = (param: string) => wrongValue(param, 'is not supported', true)

export const notFound = (id: string) =>
  new Refused(errorReply(404, 'resource_not_found', `${id} not found`))

export const duplicate = (param: string, value: string) => {
  const text = `The value ${value} is already present.`
  const reply = errorReply(400, 'duplicate_entry', `${param} : ${text}`)
  return new Refused({ ...reply, body: { ...reply.body, param } })
}
