import type { FieldWeight, PairScore } from './scorer.ts'

/**
 * One step from "two random records" to the weight of a pair. PRIOR: the odds before any
 * comparison. COMPARISON: one column of one comparison. SOURCE: both are of one source. RELATION:
 * evidence that related records would share too, subtracted. CALIBRATION: scale and offset that
 * make probabilities fit known pairs.
 */
export interface WaterfallStep extends Omit<FieldWeight, 'leftOut'> {
  kind: 'PRIOR' | 'COMPARISON' | 'SOURCE' | 'RELATION' | 'CALIBRATION'
  leftOut: 'GROUP' | 'REPEATS' | null
  /** The running sum in bits, this step included. */
  total: number
}

/** Two sums that differ by fewer bits are equal but for rounding. */
const ROUNDING_BITS = 1e-9

/**
 * Returns the steps that make up a weight; the last total is the weight itself. Every explanation
 * (query, command, report) is built from these steps, so that all agree.
 */
export function waterfall(comparison: PairScore): WaterfallStep[] {
  const plain = { m: null, u: null, adjustment: 0, leftOut: null }
  const { prior } = comparison
  const steps: WaterfallStep[] = [
    {
      ...plain,
      kind: 'PRIOR',
      field: '*',
      dimension: 'prior',
      level: 'two random records',
      weight: prior,
      total: prior,
    },
  ]
  let total = prior
  for (const field of comparison.fields) {
    total += field.weight
    const kind =
      field.field !== '*' ? 'COMPARISON' : field.dimension === 'relation' ? 'RELATION' : 'SOURCE'
    steps.push({ ...field, leftOut: field.leftOut ?? null, kind, total })
  }
  const rest = comparison.weight - total
  const last = steps.at(-1)
  if (Math.abs(rest) > ROUNDING_BITS)
    steps.push({
      ...plain,
      kind: 'CALIBRATION',
      field: '*',
      dimension: 'calibration',
      level: 'the weight as it came true where it is known',
      weight: rest,
      total: comparison.weight,
    })
  else if (last) last.total = comparison.weight
  return steps
}
