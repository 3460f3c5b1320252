import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { developerHeaders } from '../developer.ts'
import type { Source } from './tokens.ts'

const openMsMax = 200

/**
 * Opens a WebSocket, sends hostile messages of graphql-transport-ws, and returns the texts that
 * came back and the code with which it was closed (1006 where it stayed open until this client
 * left).
 */
export async function hostileSocket(
  origin: string,
  source: Source,
): Promise<{ sent: string[]; received: string[]; code: number }> {
  const sent = messages(source)
  const received: string[] = []
  const socket = new WebSocket(
    `${origin.replace('http', 'ws')}/graphql`,
    source.chance(0.9) ? 'graphql-transport-ws' : source.one(['graphql-ws', 'constructor', 'x']),
    {
      headers: {
        ...developerHeaders(origin),
        'x-correlation-id': source.text().replace(/[^\x20-\x7e]/g, '?'),
      },
    },
  )
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve)
    socket.on('error', () => resolve(1006))
  })
  socket.on('message', (data) => received.push(String(data)))
  await new Promise<void>((resolve) => {
    socket.on('open', () => resolve())
    void closed.then(() => resolve())
  })
  for (const message of sent) {
    if (socket.readyState !== socket.OPEN) break
    socket.send(source.chance(0.02) ? Buffer.from([0xff, 0xfe, 0x7b]) : message)
  }
  await Promise.race([closed, sleep(openMsMax)])
  socket.terminate()
  return { sent, received, code: await closed }
}

function messages(source: Source): string[] {
  const text = () => JSON.stringify(source.text())
  const id = () => (source.chance(0.7) ? `"${source.below(3)}"` : source.json())
  const init = source.chance(0.85)
    ? '{"type":"connection_init"}'
    : `{"type":"connection_init","payload":${source.one([
        source.json(),
        `{"authorization":${source.json()}}`,
        `{"x-api-key":${source.json()},"AUTHORIZATION":${text()}}`,
        `{"x-correlation-id":${source.json()},"__proto__":{"authorization":"x"}}`,
      ])}}`
  const subscribe = () =>
    `{"type":"subscribe","id":${id()},"payload":${source.one([
      `{"query":"{ node(id: \\"x\\") { id } }"}`,
      `{"query":"subscription($a: String) { changes(after: $a) { __typename } }","variables":{"a":${source.json()}}}`,
      `{"query":"subscription($a: [String!]) { changes(systems: $a, changedFields: $a) { __typename } }","variables":{"a":[${text()}]}}`,
      `{"query":"subscription($a: [ID!]) { changes(ids: $a, snapshot: true) { __typename } }","variables":{"a":[${text()}]}}`,
      `{"query":"subscription { customerChanged(where: [{field: ${text().replaceAll('"', '\\"').replaceAll('\\\\"', '\\\\\\"')}, in: []}]) { __typename } }"}`,
      `{"query":${text()},"extensions":${source.json()},"operationName":${source.json()}}`,
      source.json(),
    ])}}`
  const more = Array.from({ length: 1 + source.below(4) }, () =>
    source.chance(0.7)
      ? subscribe()
      : source.one([
          `{"type":"complete","id":${id()}}`,
          `{"type":"ping","payload":${source.json()}}`,
          '{"type":"pong"}',
          `{"type":${text()},"id":${id()}}`,
          source.json(),
          source.text(),
          '[',
        ]),
  )
  return source.chance(0.9) ? [init, ...more] : more
}
