import type { Transaction } from '../db/database.ts'
import { lateFigures } from '../inbox/metrics.ts'
import { sumMinutes } from './minutes.ts'
import { isAbout, type Objective, type ServiceLevels } from './objectives.ts'

/** Results of an objective over one time span. */
export interface Span {
  hours: number
  /** Number of measurements, and of those in time. */
  total: number
  good: number
  /** Null without measurements. */
  ratio: number | null
  /** Rate of error budget consumption: 1 uses it up in exactly the window. */
  burnRate: number
}

export type LevelState = 'NO_DATA' | 'MET' | 'BURNING' | 'MISSED'

/** An objective with its results; the spans are an hour, six hours and the window. */
export interface Level extends Objective {
  state: LevelState
  spans: Span[]
  /** Remaining share of the window's error budget: negative if overdrawn, null without data. */
  budgetLeft: number | null
  /**
   * Messages that already wait longer than allowed, counted among the oldest of the queue. Every
   * span includes them.
   */
  late: number
}

/**
 * Burn rates that should page an operator: 2 % of a month's budget in an hour, or 5 % in six.
 * Google, SRE Workbook, chapter 5.
 */
const FAST: [hours: number, burnRate: number][] = [
  [1, 14.4],
  [6, 6],
]

/**
 * Returns the state of every objective. `typeOf` returns the type to which the mapping maps an
 * object.
 */
export async function serviceLevels(
  tx: Transaction,
  { windowDays, objectives }: ServiceLevels,
  typeOf: (system: string, object: string | null) => string | null,
): Promise<Level[]> {
  const windowHours = windowDays * 24
  const hours = [1, 6, windowHours]
  const sums = await sumMinutes(tx, hours)
  const ingest = objectives.filter((o) => o.measure === 'INGEST_LAG')
  const waiting = await lateFigures(
    tx,
    ingest.map((o) => o.withinMs),
  )
  const levels: Level[] = []
  for (const o of objectives) {
    const about = waiting.filter((w) => isAbout(o, w.system, typeOf(w.system, w.object)))
    const late = about.reduce((n, w) => n + (w.counts[ingest.indexOf(o)] ?? 0), 0)
    const spans = hours.map((h) => {
      const sum = sums.find((s) => s.objective === o.name && s.hours === h)
      return spanOf(h, o.target, sum?.good ?? 0, (sum?.total ?? 0) + late)
    })
    const whole = spans.at(-1)
    levels.push({
      ...o,
      late,
      spans,
      state: stateOf(o.target, spans),
      budgetLeft:
        whole?.ratio === null || whole === undefined
          ? null
          : 1 - (1 - whole.ratio) / (1 - o.target),
    })
  }
  return levels
}

function spanOf(hours: number, target: number, good: number, total: number): Span {
  const ratio = total === 0 ? null : good / total
  return { hours, good, total, ratio, burnRate: ratio === null ? 0 : (1 - ratio) / (1 - target) }
}

function stateOf(target: number, spans: Span[]): LevelState {
  const whole = spans.at(-1)
  if (!whole || whole.ratio === null) return 'NO_DATA'
  if (whole.ratio < target) return 'MISSED'
  const fast = FAST.some(([hours, rate]) =>
    spans.some((s) => s.hours === hours && s.burnRate >= rate),
  )
  return fast ? 'BURNING' : 'MET'
}
