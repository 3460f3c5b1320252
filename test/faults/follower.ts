import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { developerHeaders } from '../developer.ts'
import { ask } from '../gateway/gateway.ts'

const FOLLOW = `subscription ($after: String!) { changes(after: $after) { __typename
  ... on Change { cursor position } ... on CaughtUp { cursor } ... on Lagged { cursor missed } } }`
interface Item {
  __typename: string
  cursor: string
  position?: number
  missed?: number
}

const againMs = 200

export interface Follower {
  /** The positions of all changes, in the order of arrival. */
  positions: number[]
  /** How often it had to reconnect. */
  interruptions: number
  stop(): Promise<void>
}

/**
 * Starts a service that follows the feed from its beginning and keeps the cursor of the last event.
 * It reconnects until it is stopped.
 */
export function startFollower(origin: string): Follower {
  let cursor: string | null = null
  let stopped = false
  let client = connect()
  const it: Follower = {
    positions: [],
    interruptions: 0,
    async stop() {
      stopped = true
      await client.dispose()
      await running
    },
  }

  function connect() {
    return createClient({
      url: new URL('/graphql', origin.replace('http', 'ws')).href,
      connectionParams: () => developerHeaders(origin),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    })
  }

  async function follow(): Promise<void> {
    cursor ??= (await ask(new URL('/graphql', origin).href, '{ feed { beginning } }')).body.data
      .feed.beginning as string
    for await (const { data } of client.iterate<{ changes: Item }>({
      query: FOLLOW,
      variables: { after: cursor },
    })) {
      if (!data) break // an error: reconnect
      if (data.changes.__typename === 'Lagged')
        throw new Error(`missed ${data.changes.missed} events`)
      cursor = data.changes.cursor
      if (data.changes.position !== undefined) it.positions.push(Number(data.changes.position))
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        await follow()
      } catch {
        // The gateway is down or has no database; like a real follower, this one retries.
      }
      it.interruptions++
      await client.dispose()
      client = connect()
      await sleep(againMs)
    }
    await client.dispose()
  }

  const running = run()
  return it
}
