import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'
import type { ReportError } from '../operation/maskErrors.ts'
import { cursorOfEvent } from '../subscriptions/eventCursor.ts'
import { SubscriptionClosed } from '../subscriptions/takeUntilClosed.ts'
import { CORRELATION_HEADER } from './correlation.ts'
import { resultText } from './resultText.ts'
import type { SlowReaderGuard } from './slowReaderGuard.ts'

/** Proxies close silent connections, most of them after 60 s. */
const pingMs = 15_000

/**
 * Serves event streams: one server-sent event per result (graphql-sse, "distinct connections
 * mode"). An event has its cursor as id, which clients send back as Last-Event-ID. A stream that
 * the server ends early ends without `complete`: clients then connect again by themselves.
 */
export class EventStreams {
  readonly #report: ReportError
  readonly #slowReaders: SlowReaderGuard
  /** Functions that end the open streams early. */
  readonly #open = new Set<() => void>()
  #closed = false

  /** `report` receives errors of streams whose client has gone. */
  constructor(report: ReportError, slowReaders: SlowReaderGuard) {
    this.#report = report
    this.#slowReaders = slowReaders
  }

  async send(
    req: IncomingMessage,
    res: ServerResponse,
    results: AsyncIterable<ExecutionResult>,
  ): Promise<void> {
    const iterator = results[Symbol.asyncIterator]()
    const id = String(res.getHeader(CORRELATION_HEADER))
    const end = () => void iterator.return?.().catch((e: unknown) => this.#report(e, id))
    if (this.#closed || res.destroyed) return end()
    let interrupted = false
    const interrupt = () => {
      interrupted = true
      end()
    }
    this.#open.add(interrupt)
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    res.flushHeaders()
    const ping = setInterval(() => res.write(':\n\n'), pingMs)
    req.socket.setNoDelay(true)
    res.once('close', end)
    const reader = { bytes: () => res.writableLength, close: () => res.destroy() }
    try {
      for (;;) {
        const result = await iterator.next()
        if (result.done || res.destroyed) break
        // A slow client makes the subscription wait here; the feed then serves it from the table.
        const event = `event: next\ndata: ${resultText(result.value)}\n\n`
        if (res.write(idOf(result.value) + event)) continue
        this.#slowReaders.wait(reader)
        await drained(res)
        this.#slowReaders.forget(reader)
      }
      res.end(interrupted ? undefined : 'event: complete\ndata:\n\n')
    } catch (e) {
      if (!(e instanceof SubscriptionClosed)) throw e
      // A comment: clients ignore it.
      res.end(`: ${e.code}: ${e.message}\n\n`)
    } finally {
      clearInterval(ping)
      res.off('close', end)
      this.#open.delete(interrupt)
    }
  }

  /** Ends every stream that is still open; clients connect again and resume. */
  close(): void {
    this.#closed = true
    for (const interrupt of this.#open) interrupt()
  }
}

/** Returns the line with the id of an event; none for a cursor that is not one line. */
function idOf(result: ExecutionResult): string {
  const cursor = cursorOfEvent(result)
  return cursor === null || /[\n\r\0]/.test(cursor) ? '' : `id: ${cursor}\n`
}

async function drained(res: ServerResponse): Promise<void> {
  if (res.destroyed) return
  // Removes the listener that was not needed too: a slow stream waits here thousands of times.
  const settled = new AbortController()
  const { signal } = settled
  try {
    await Promise.race([once(res, 'drain', { signal }), once(res, 'close', { signal })])
  } finally {
    settled.abort()
  }
}
