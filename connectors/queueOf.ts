import { type Lane, laneOfType } from '../schema/lane.ts'
import { closedUntil } from './calendar.ts'
import type { Connector } from './contract.ts'

/** Where a message waits before it is applied. */
export interface Queue {
  lane: Exclude<Lane, 'REPLAY'>
  /** Until when its source system's posting calendar holds it back; null: it is due at once. */
  notBefore: Date | null
}

/** Returns where a message of a source system waits that arrives now. */
export function queueOf(
  connector: Pick<Connector, 'objects' | 'objectName' | 'system'>,
  object: string | null,
  now: number = Date.now(),
): Queue {
  const lane = laneOf(connector, object)
  const held = lane === 'POSTINGS' && closedUntil(connector.system.calendar, 'POSTINGS', now)
  return { lane, notBefore: held ? new Date(held.until) : null }
}

/**
 * Returns the class of a message by the object it names. A message that names no known object has
 * the class of its source system, where all objects of that have one class; else MASTER.
 */
export function laneOf(
  connector: Pick<Connector, 'objects' | 'objectName'>,
  object: string | null,
): Queue['lane'] {
  const name = object === null ? null : connector.objectName(object)
  const named = connector.objects.find((o) => o.name === name)
  if (named) return laneOfType(named.as)
  const mastered = connector.objects.filter((o) => o.as !== 'Kept')
  const [lane, ...others] = new Set(mastered.map((o) => laneOfType(o.as)))
  return lane !== undefined && others.length === 0 ? lane : 'MASTER'
}
