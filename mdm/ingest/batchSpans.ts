import { noted, SpanKind, tracingIsOn } from '../../schema/trace.ts'
import type { NewChange } from '../feed/append.ts'
import type { Message } from '../inbox/claim.ts'

/** The trace spans of one batch. They are reported after the commit, so a rollback leaves none. */
export class BatchSpans {
  messages: readonly Message[] = []
  events: readonly NewChange[] = []
  /** The present step of the batch. An error that ends the batch carries it. */
  step = 'claiming'

  async record<T>(work: () => Promise<T>): Promise<T> {
    if (!tracingIsOn()) return await work()
    const began = Date.now()
    const result = await work()
    this.#report(began, Date.now())
    return result
  }

  /**
   * Reports each message and each event under the request that delivered it. The batch is a trace
   * of its own, because it belongs to many.
   */
  #report(began: number, ended: number): void {
    if (this.messages.length === 0) return
    const count = {
      'touchstone.messages': this.messages.length,
      'touchstone.events': this.events.length,
    }
    noted(
      { name: 'apply batch', kind: SpanKind.CONSUMER, parent: null, attributes: count },
      began,
      ended,
    )
    for (const m of this.messages)
      if (m.traceparent)
        noted(
          {
            name: 'apply message',
            kind: SpanKind.CONSUMER,
            parent: m.traceparent,
            attributes: {
              ...count,
              'touchstone.system': m.source,
              'touchstone.inbox_id': m.inboxId,
              'touchstone.correlation_id': m.correlationId,
            },
          },
          began,
          ended,
        )
    for (const e of this.events)
      if (e.cause.traceparent)
        noted(
          {
            name: 'golden event',
            parent: e.cause.traceparent,
            attributes: {
              'touchstone.event': `${e.goldenId}.${e.version}`,
              'touchstone.type': e.type,
              'touchstone.op': e.op,
              'touchstone.correlation_id': e.cause.correlationId ?? '',
            },
          },
          ended,
          ended,
        )
  }
}
