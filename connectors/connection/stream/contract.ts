import type { PullPosition } from '../contract.ts'

/** An event of a stream, as it came. */
export interface StreamedEvent {
  /** The event's own id: the same event may come again under another position. */
  id: string
  position: string
  /** Its content, decoded; null where that is not possible, for the reason beside it. */
  payload: unknown
  /** The schema of its content. */
  schema: unknown
  problem: string | null
}

export interface StreamPage {
  /** Empty where the system only says how far the stream is. */
  events: StreamedEvent[]
  /** Where to go on after these events are stored. */
  position: PullPosition
}

/** A long connection that brings events as they happen. */
export interface EventStream {
  source: string
  topic: string
  /** How the message of an event is written. */
  bodyOf(event: StreamedEvent): string
  /** Where the oldest event that the system still has is next. */
  earliest(): PullPosition
  /**
   * Reads events from a position on; null begins with those that happen from now. The next events
   * are asked for when a page is taken, so that no more wait than the stream allows. Connects again
   * by itself after a failure that may pass. Throws ConnectionError; GONE where the system no longer
   * has the position.
   */
  read(from: PullPosition | null, signal: AbortSignal): AsyncGenerator<StreamPage, void, void>
}
