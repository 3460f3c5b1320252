import { type Client, createClient } from 'graphql-ws/client'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { headersOfCaller } from '../session/session.ts'
import { GRAPH_PATH } from './client.ts'
import { type Operation, sentText } from './operation.ts'

/** LOST: changes are not delivered, and the connection is tried again. */
export type LiveState = 'IDLE' | 'LIVE' | 'LOST'

const retryMs = 1_000
const retryMsMax = 15_000

let state: LiveState = 'IDLE'
const listeners = new Set<() => void>()
const change = (next: LiveState) => {
  state = next
  for (const listener of listeners) listener()
}
let socket: Client | null = null

/**
 * One WebSocket a tab. Event streams would take one connection for each subscription, and a browser
 * opens six to a server: the seventh tab would wait without an end (ADR 0121).
 */
function socketOfTab(): Client {
  socket ??= createClient({
    url: `${location.origin.replace(/^http/, 'ws')}${GRAPH_PATH}`,
    connectionParams: headersOfCaller,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (n) =>
      new Promise((resolve) => setTimeout(resolve, Math.min(retryMs * 2 ** n, retryMsMax))),
    on: {
      connected: () => change('LIVE'),
      closed: () => change(listeners.size > 0 ? 'LOST' : 'IDLE'),
    },
  })
  return socket
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => state,
  )
}

/**
 * Follows a subscription while the screen is shown. `missed` is called when the connection was lost
 * and is there again: what happened meanwhile was not delivered, so the screen loads again.
 */
export function useLive<T, V>(
  operation: Operation<T, V>,
  variables: V,
  next: (data: T) => void,
  missed: () => void,
): void {
  const handlers = useRef({ next, missed })
  handlers.current = { next, missed }
  const text = JSON.stringify(variables)
  useEffect(() => {
    const client = socketOfTab()
    let connections = 0
    const stopOpened = client.on('connected', () => {
      if (connections++ > 0) handlers.current.missed()
    })
    const stop = client.subscribe<T>(
      { query: sentText(operation as unknown as string), variables: JSON.parse(text) },
      {
        next: ({ data }) => data && handlers.current.next(data),
        error: () => change('LOST'),
        complete: () => {},
      },
    )
    return () => {
      stop()
      stopOpened()
    }
  }, [operation, text])
}
