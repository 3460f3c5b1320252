import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import pino from 'pino'
import WebSocket from 'ws'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { startGateway } from '../../gateway/gateway.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { startTailer } from '../../mdm/feed/tailer.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { createChangesSubgraph } from '../../subgraphs/changes/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { testDatabase } from '../database.ts'
import { BOUNDS } from '../gateway/gateway.ts'
import { openCallers } from '../gateway/openCallers.ts'
import { until } from '../gateway/until.ts'
import { create } from '../mdm/feed/world.ts'

const events = 1_000
const eventBytes = 16_000

test('a subscriber that does not read, over graphql-ws or SSE, delays only itself and then gets everything (FEED 7.1)', async () => {
  const db = await testDatabase()
  const sql = openDatabase(db.url, { connectionsMax: 4, name: 'test-feed' })
  const tailer = await startTailer({ sql, ringEventsMax: 100 })
  const subgraphs = [
    createChangesSubgraph({
      policy: readPolicy('schema/model'),
      tailer,
      sqlOf: unbound(tailer.sql),
    }),
  ]
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    supergraph: composeSupergraph(subgraphs),
    subgraphs,
    bounds: BOUNDS,
    callers: openCallers(),
    log: pino({ level: 'warn' }),
  })
  try {
    const stalled = await open(gateway.url)
    const live = await open(gateway.url)
    stalled.socket.pause()
    const stream = await openStream(gateway.url)
    stream.response.pause()
    await create(db.sql, events, { values: { name: 'x'.repeat(eventBytes) } })
    // A client that reads receives all events meanwhile.
    await until(() => live.positions.length === events)

    // Only the kernel buffers and one message are pending for the stalled clients, not all unread
    // events.
    const waiting = sockets().reduce((sum, s) => sum + s.writableLength, 0)
    assert.ok(waiting < 500_000, `${waiting} bytes wait in this process`)
    assert.ok(stalled.positions.length < events)
    assert.ok(stream.positions.length < events)
    assert.ok(tailer.tail.tableUpTo >= events - 100, 'the ring has moved on')

    stalled.socket.resume()
    stream.response.resume()
    for (const { positions } of [stalled, stream]) {
      await until(() => positions.length === events)
      assert.deepEqual(
        positions,
        Array.from({ length: events }, (_, i) => i + 1),
      )
    }
    stalled.socket.terminate()
    stream.response.destroy()
    live.socket.terminate()
    await until(() => tailer.tail.subscribersWaiting === 0)
  } finally {
    await gateway.close(100)
    await tailer.stop()
    await sql.end({ timeout: 1 })
    await db.drop()
  }
})

const query = 'subscription { changes { __typename ... on Change { position after } } }'

/** Subscribes to all new events over SSE; resolves once it has caught up. */
async function openStream(
  url: string,
): Promise<{ response: IncomingMessage; positions: number[] }> {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const requested = request(url, { method: 'POST', headers }).end(JSON.stringify({ query }))
  const [response] = (await once(requested, 'response')) as [IncomingMessage]
  const positions: number[] = []
  let text = ''
  await new Promise<void>((resolve) => {
    response.on('error', () => undefined)
    response.setEncoding('utf8').on('data', (part: string) => {
      const lines = (text + part).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        if (!line.startsWith('data: ')) continue
        const { changes } = JSON.parse(line.slice(6)).data
        if (changes.__typename === 'CaughtUp') resolve()
        else positions.push(changes.position)
      }
    })
  })
  return { response, positions }
}

/** Subscribes to all new events over graphql-ws; resolves once it has caught up. */
async function open(url: string): Promise<{ socket: WebSocket; positions: number[] }> {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')
  const positions: number[] = []
  await new Promise<void>((resolve, reject) => {
    socket.on('open', () => socket.send('{"type":"connection_init"}'))
    socket.on('error', reject)
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(data.toString())
      if (type === 'connection_ack')
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
      else if (type === 'next' && payload.data.changes.__typename === 'CaughtUp') resolve()
      else if (type === 'next') positions.push(payload.data.changes.position)
      else if (type === 'error') reject(new Error(JSON.stringify(payload)))
    })
  })
  return { socket, positions }
}

/** Returns every open socket of this process, including the server's ends. */
function sockets(): Socket[] {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] }
  return handles.call(process).filter((h) => h instanceof Socket)
}
