import type { RecordChange } from '../../connectors/contract.ts'

/**
 * When a part of a record was stated: the version from the source, and the place among statements of
 * that version. Both are stored, so a replay and another worker compare the same texts.
 */
export type Stamp = [version: number, tie: string]

/** Lies before every time that a source may give, the year 1 included. */
export const NEVER: Stamp = [-1e18, '']

export function isAfter(a: Stamp, b: Stamp): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])
}

/** Digits of 2^53, so that inbox ids compare as text. */
const arrivalDigits = 16
/** Digits of 2^64, the largest number that a source counts with. */
const sequenceDigits = 20

/**
 * Returns the tie-break of a statement. It ends with the inbox id, the order of arrival, which
 * decides where the source states nothing finer. As text, `>` sorts after every digit and `~` after
 * both: a stated sequence outranks none, and a correction outranks what it corrects.
 */
export function tieOf(change: RecordChange, arrival: number, correction: boolean): string {
  const arrived = String(arrival).padStart(arrivalDigits, '0')
  if (correction) return `~${arrived}`
  if (change.order?.by !== 'SEQUENCE') return arrived
  const numbers = change.order.numbers.map((n) => String(n).padStart(sequenceDigits, '0'))
  return `>${numbers.join('.')}.${arrived}`
}

/**
 * Returns the stamp of a change; `now` (microseconds) is the version of one whose source gives none.
 */
export function stampOfChange(
  change: RecordChange,
  now: number,
  arrival: number,
  correction: boolean,
): Stamp {
  return [
    change.version === null ? now : Number(change.version),
    tieOf(change, arrival, correction),
  ]
}

export function isCorrection(tie: string): boolean {
  return tie.startsWith('~')
}

/** Returns true if the order of arrival alone places a statement within its version. */
export function isByArrival(tie: string): boolean {
  return /^\d{16}$/.test(tie)
}

/** Returns the message that a tie-break names; null for a record that no message has stated. */
export function arrivalOf(tie: string): number | null {
  const digits = tie.slice(-arrivalDigits)
  return /^\d{16}$/.test(digits) ? Number(digits) : null
}
