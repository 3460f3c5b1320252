import type { ExecutionResult } from 'graphql'

/** Property of an event's result: the cursor of the event, whether it is selected or not. */
const eventCursor = Symbol('cursor of the event')

type Placed = ExecutionResult & { [eventCursor]?: string }

/**
 * Returns the result with the cursor to resume after it. Subscribers at the head share the result
 * and the cursor, and so the object.
 */
export function withEventCursor(result: ExecutionResult, cursor: string | null): ExecutionResult {
  if (cursor === null) return result
  const placed: Placed = result
  placed[eventCursor] ??= cursor
  return placed[eventCursor] === cursor
    ? placed
    : Object.assign({ ...result }, { [eventCursor]: cursor })
}

/**
 * Returns the cursor of an event, or null if there is none. Events of a subgraph that runs as a
 * service have only the one that is selected as `cursor`.
 */
export function cursorOfEvent(result: ExecutionResult): string | null {
  const known = (result as Placed)[eventCursor]
  if (known !== undefined) return known
  for (const event of Object.values(result.data ?? {}))
    if (typeof event === 'object' && event !== null && 'cursor' in event)
      return typeof event.cursor === 'string' ? event.cursor : null
  return null
}
