import { Refused, type Reply } from '../kit/exchange.ts'

/** Returns an error of the OData service: what happened stands in the inner error. */
export const errorReply = (status: number, message: string, type = ''): Reply => ({
  status,
  body: {
    error: {
      code: '',
      message: 'An error has occurred.',
      innererror: { message, type, stacktrace: '' },
    },
  },
})

export const badRequest = (message: string, unknown = false) =>
  new Refused(errorReply(400, message), unknown)

/** Returns the refusal of a write by the entity, with the lines of its info log. */
export const writeFailed = (view: string, infolog: string, status = 400) =>
  new Refused(
    errorReply(
      status,
      `Write failed for table row of type '${view}'. Infolog: ${infolog}.`,
      'Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException',
    ),
  )

export const noResource = () =>
  new Refused(errorReply(404, 'No resources were found when selecting for update.'))

/** Returns the error of the web server, before the OData service. */
export const noRoute = (address: string): Reply => ({
  status: 404,
  body: { Message: `No HTTP resource was found that matches the request URI '${address}'.` },
})
