import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Receiver {
  url: string
  /** The status of each response. */
  status: number
  /** Received requests, oldest first. */
  requests: { headers: IncomingHttpHeaders; body: string }[]
  close(): Promise<void>
}

/** Opens a server that stores the requests it receives. */
export async function openReceiver(): Promise<Receiver> {
  const server = createServer(async (message, response) => {
    let body = ''
    for await (const chunk of message.setEncoding('utf8')) body += chunk
    receiver.requests.push({ headers: message.headers, body })
    response.writeHead(receiver.status).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    status: 204,
    requests: [],
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
  return receiver
}
