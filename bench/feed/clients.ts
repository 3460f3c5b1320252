import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { openDatabase } from '../../mdm/db/database.ts'
import { appendChanges } from '../../mdm/feed/append.ts'
import { change } from './change.ts'
import {
  type BarePlan,
  type CatchUpPlan,
  type CaughtUp,
  type FeedPlan,
  latency,
  now,
  type Result,
} from './protocol.ts'

/**
 * Subscribers and the writer share one process, so that one clock times both. They parse as little
 * of a message as possible.
 */
const selection = (entity: boolean) => `subscription { changes {
  ... on CaughtUp { cursor }
  ... on Change { cursor position op goldenId version after changedFields ${entity ? 'entity { ... on Customer { id name } }' : ''} } } }`
const POSITION = '"position":'
const goldenIdsMax = 1_000

process.once('message', async (plan: FeedPlan | BarePlan | CatchUpPlan) => {
  if (plan.do === 'catchUp') process.send?.(await catchUp(plan))
  else process.send?.(plan.do === 'feed' ? await feed(plan) : await bare(plan))
})

/** Opens the sockets. `onText` receives every message with the index of its socket. */
async function connect(
  url: string,
  count: number,
  protocol: string | undefined,
  onText: (i: number, text: Buffer) => void,
) {
  const sockets: WebSocket[] = []
  for (let i = 0; i < count; i++) {
    const socket = new WebSocket(url, protocol, { perMessageDeflate: false })
    socket.on('message', (data: Buffer) => onText(i, data))
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
    sockets.push(socket)
  }
  return sockets
}

async function feed(plan: FeedPlan): Promise<Result> {
  const { events, subscribers } = plan
  const sql = openDatabase(plan.databaseUrl, { connectionsMax: 1, name: 'bench-writer' })
  // Samples by subscriber and event; NaN if not delivered.
  const arrived = new Float64Array(subscribers * events).fill(Number.NaN)
  let first = 0
  let delivered = 0
  let twice = 0
  let bytes = 0
  let ready = 0
  const sockets = await connect(
    plan.url.replace('http', 'ws'),
    subscribers,
    'graphql-transport-ws',
    (i, data) => {
      const at = now()
      const start = data.indexOf(POSITION)
      if (start < 0) {
        if (data.includes('"CaughtUp"') || data.includes('"cursor"')) ready++
        else if (data.includes('connection_ack'))
          sockets[i]?.send(
            JSON.stringify({
              id: '1',
              type: 'subscribe',
              payload: { query: selection(plan.entity) },
            }),
          )
        else if (data.includes('"error"') || data.includes('"complete"'))
          throw new Error(data.toString())
        else if (data.includes('"ping"')) sockets[i]?.send('{"type":"pong"}')
        return
      }
      const position = Number.parseInt(
        data.toString('latin1', start + POSITION.length, start + POSITION.length + 16),
        10,
      )
      const slot = i * events + (position - first - 1)
      if (!Number.isNaN(arrived[slot])) twice++
      arrived[slot] = at
      bytes = data.length
      delivered++
    },
  )
  for (const socket of sockets) socket.send('{"type":"connection_init"}')
  while (ready < subscribers) await sleep(10)
  process.send?.('ready')
  await once(process, 'message')
  const [head] = await sql<{ position: number }[]>`select position from feed_head`
  first = head?.position ?? 0

  const sentAt = new Float64Array(events)
  const ids = Array.from({ length: goldenIdsMax }, () => randomUUID())
  const start = now()
  for (let i = 0; i < events; i++) {
    if (plan.perSecond > 0) await sleep(Math.max(0, start + (i * 1_000) / plan.perSecond - now()))
    await sql.begin(async (tx) => {
      await appendChanges(tx, [
        change(ids[i % goldenIdsMax] ?? '', Math.floor(i / goldenIdsMax) + 1),
      ])
      // Taken before COMMIT is sent, so that the measurement includes the commit.
      sentAt[i] = now()
    })
  }
  await settled(() => delivered, events * subscribers)
  for (const socket of sockets) socket.terminate()
  await sql.end()
  return result(arrived, sentAt, subscribers, twice, bytes)
}

async function bare(plan: BarePlan): Promise<Result> {
  const { events, subscribers } = plan
  const arrived = new Float64Array(subscribers * events).fill(Number.NaN)
  const sentAt = new Float64Array(events)
  let delivered = 0
  let bytes = 0
  const sockets = await connect(plan.url, subscribers, undefined, (i, data) => {
    const at = now()
    const { n, at: sent } = JSON.parse(
      data.toString('latin1', 0, data.indexOf(',"pad"')).concat('}'),
    )
    arrived[i * events + n] = at
    sentAt[n] = sent
    bytes = data.length
    delivered++
  })
  process.send?.('ready')
  await settled(() => delivered, events * subscribers)
  for (const socket of sockets) socket.terminate()
  return result(arrived, sentAt, subscribers, 0, bytes)
}

async function catchUp({ url, after, upTo }: CatchUpPlan): Promise<CaughtUp> {
  let last = 0
  let events = 0
  let misplaced = 0
  const query = selection(false).replace('changes {', `changes(after: "${after}") {`)
  const [socket] = await connect(
    url.replace('http', 'ws'),
    1,
    'graphql-transport-ws',
    (_, data) => {
      const start = data.indexOf(POSITION)
      if (start < 0) {
        if (data.includes('connection_ack'))
          socket?.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
        else if (data.includes('"error"') || data.includes('"complete"'))
          throw new Error(data.toString())
        else if (data.includes('"ping"')) socket?.send('{"type":"pong"}')
        return
      }
      const position = Number.parseInt(
        data.toString('latin1', start + POSITION.length, start + POSITION.length + 16),
        10,
      )
      if (events > 0 && position !== last + 1) misplaced++
      last = position
      events++
    },
  )
  process.send?.('ready')
  await once(process, 'message')
  const began = now()
  socket?.send('{"type":"connection_init"}')
  while (last < upTo) await sleep(5)
  const seconds = (now() - began) / 1_000
  socket?.terminate()
  return { events, seconds, misplaced }
}

/** Waits until everything is delivered, or nothing more has come for a while. */
async function settled(delivered: () => number, total: number): Promise<void> {
  for (let before = -1; delivered() < total && (before !== delivered() || before === 0); ) {
    before = delivered()
    await sleep(3_000)
  }
}

/** `arrived` by socket and event; NaN if nothing arrived. */
function result(
  arrived: Float64Array,
  sentAt: Float64Array,
  sockets: number,
  twice: number,
  bytes: number,
): Result {
  const events = sentAt.length
  const samples: number[] = []
  let last = 0
  for (let i = 0; i < sockets; i++)
    for (let e = 0; e < events; e++) {
      const at = arrived[i * events + e] ?? Number.NaN
      if (Number.isNaN(at)) continue
      samples.push(at - (sentAt[e] ?? 0))
      last = Math.max(last, at)
    }
  return {
    delivered: samples.length + twice,
    missed: sockets * events - samples.length,
    twice,
    seconds: (last - (sentAt[0] ?? 0)) / 1_000,
    messageBytes: bytes,
    ms: latency(new Float64Array(samples)),
  }
}
