import { Refused, type Reply } from '../kit/server.ts'

/** Returns an error of the REST framework. */
export const errorReply = (status: number, title: string, detail: string): Reply => ({
  status,
  headers: { 'content-type': 'application/vnd.oracle.adf.error+json' },
  body: { title, status: String(status), 'o:errorDetails': [{ detail, 'o:errorCode': '27520' }] },
})

export const badRequest = (detail: string, unknown = false) =>
  new Refused(errorReply(400, 'Bad Request', detail), unknown)

export const notFound = (): Reply => errorReply(404, 'Not Found', 'Not Found')

/** The reply of the web server, before the framework: HTML. */
export const unauthorized = (): Reply => ({
  status: 401,
  headers: { 'content-type': 'text/html', 'www-authenticate': 'Basic realm="weblogic"' },
  body: '<html><body><h1>401 Authorization Required</h1></body></html>',
})
