import { listOf, textOf } from '../app/urlState.ts'

export const TABS = ['values', 'sources', 'history', 'family', 'attached', 'work'] as const
export type Tab = (typeof TABS)[number]
export type Act = 'override' | 'lift' | 'split' | 'merge' | 'retire' | 'restore'
const ACTS: readonly string[] = ['override', 'lift', 'split', 'merge', 'retire', 'restore']

/** What the address of a golden record says. */
export interface RecordState extends Record<string, unknown> {
  tab: Tab
  /** The current field. */
  field: string | undefined
  /** The moment as of which the record is shown; the present one without it. */
  asOf: string | undefined
  /** The two versions that are compared. */
  from: number | undefined
  to: number | undefined
  /** What is prepared on the right. */
  act: Act | undefined
  /** The source records that a split would separate. */
  pick: string[] | undefined
  /** The golden record with which this one would merge. */
  with: string | undefined
  /** The list that is open. */
  list: string | undefined
}

export function recordState(search: Record<string, unknown>): RecordState {
  const tab = TABS.find((t) => t === search.tab) ?? 'values'
  const asOf = textOf(search.asOf)
  return {
    tab,
    field: textOf(search.field),
    asOf: asOf !== undefined && !Number.isNaN(Date.parse(asOf)) ? asOf : undefined,
    from: versionOf(search.from),
    to: versionOf(search.to),
    act: ACTS.find((a) => a === search.act) as Act | undefined,
    pick: listOf(search.pick),
    with: textOf(search.with),
    list: textOf(search.list),
  }
}

function versionOf(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) > 0 ? (value as number) : undefined
}
