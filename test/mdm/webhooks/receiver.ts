import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CloudEvent } from '../../../schema/cloudEvent.ts'

/** A received request with the status of its response. */
export interface Received {
  headers: Record<string, string>
  body: string
  event: CloudEvent
  status: number
}

/** Returns a status, or handles the response itself and returns null. */
export type Behaviour = (
  event: CloudEvent,
  res: ServerResponse,
) => Promise<number | null> | number | null

export interface Receiver {
  url: string
  port: number
  /** In order of arrival. */
  received: Received[]
  behave: Behaviour
  /** Returns the versions of a golden record in the order in which they were accepted. */
  accepted(goldenId: string): number[]
  close(): Promise<void>
}

/** Starts a real HTTP server on the loopback that receives deliveries. */
export async function startReceiver(behave: Behaviour = () => 204): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((req, res) => {
    void answer(req, res)
  })
  async function answer(req: IncomingMessage, res: ServerResponse) {
    let body = ''
    for await (const chunk of req) body += chunk
    const event = JSON.parse(body) as CloudEvent
    const entry: Received = {
      headers: req.headers as Record<string, string>,
      body,
      event,
      status: 0,
    }
    received.push(entry)
    const status = await receiver.behave(event, res)
    if (status === null || res.destroyed) return
    entry.status = status
    res.writeHead(status).end(`answer ${status}`)
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    behave,
    accepted: (id) =>
      received
        .filter((r) => r.event.subject === id && r.status >= 200 && r.status < 300)
        .map((r) => r.event.data.version),
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return receiver
}
