import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { WebSocket } from 'ws'
import { GOING_AWAY } from '../../../gateway/http/closeCodes.ts'
import { SocketSession } from '../../../gateway/http/socketSession.ts'

/** Opens a session with one operation in progress, whose socket records its closes. */
function busySession() {
  const closes: (string | number)[][] = []
  const close = (...given: (string | number)[]) => closes.push(given)
  const socket = Object.assign(new EventEmitter(), { close })
  const session = new SocketSession(socket as unknown as WebSocket)
  session.begin('1')
  return { session, closes }
}

test('a stop waits for operations as long as it may, although subscriptions have ended before', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  const { session, closes } = busySession()
  session.endWith({ code: 'SERVER_STOPPING' })
  session.end(GOING_AWAY, 'SERVER_STOPPING', 60_000)
  t.mock.timers.tick(59_000)
  assert.deepEqual(closes, [])
  t.mock.timers.tick(1_000)
  assert.deepEqual(closes, [[GOING_AWAY, 'SERVER_STOPPING']])
})

test('the end of several subscriptions closes a socket once, 10 s after the first', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  const { session, closes } = busySession()
  session.endWith({ code: 'GRAPH_CHANGED' })
  t.mock.timers.tick(9_000)
  session.endWith({ code: 'TOKEN_EXPIRED' })
  t.mock.timers.tick(1_000)
  assert.deepEqual(closes, [[1012, 'GRAPH_CHANGED']])
})
