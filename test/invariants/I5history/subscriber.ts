import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { Notes, readNotes } from './notes.ts'

/**
 * A subscriber that notes each item with its cursor and resumes after the last noted one, whatever
 * happened: `node subscriber.ts GATEWAY NOTES FIRST-CURSOR|- IDS|-`. On the message `cut` it
 * terminates its socket.
 */
const [url = '', path = '', first = '-', ids = '-'] = process.argv.slice(2)
const QUERY = `subscription ($after: String, $ids: [ID!], $snapshot: Boolean) {
  changes(after: $after, ids: $ids, snapshot: $snapshot) {
    kind: __typename
    ... on Snapshot { cursor goldenId version values }
    ... on Change { cursor position goldenId version before after }
    ... on CaughtUp { cursor position }
    ... on Lagged { cursor missed }
  }
}`
let cursor = readNotes<{ cursor: string }>(path).at(-1)?.cursor ?? (first === '-' ? null : first)
const notes = new Notes(path)
let socket: { terminate(): void } | null = null
process.on('message', () => socket?.terminate())

for (;;) {
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  client.on('opened', (opened) => {
    socket = opened as { terminate(): void }
  })
  const variables = {
    after: cursor,
    ids: ids === '-' ? null : ids.split(','),
    snapshot: first === '-',
  }
  try {
    for await (const { data, errors } of client.iterate<{ changes: { cursor: string } }>({
      query: QUERY,
      variables,
    })) {
      if (errors || !data) {
        notes.add({ kind: 'Error', errors })
        process.exit(1)
      }
      notes.add(data.changes)
      cursor = data.changes.cursor
    }
  } catch (e) {
    // A permanent error, unlike an unavailable gateway.
    if (Array.isArray(e) && e[0]?.extensions?.code !== 'UNAVAILABLE') {
      notes.add({ kind: 'Error', errors: e, cursor })
      process.exit(1)
    }
  }
  await client.dispose()
  await sleep(20)
}
