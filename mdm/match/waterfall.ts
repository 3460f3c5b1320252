import type { FieldWeight, PairScore } from './scorer.ts'

/**
 * One step from "two random records" to the weight of a pair. PRIOR: the odds before anything is compared. COMPARISON: one
 * dimension of one comparison. SOURCE: both are of one source. RELATION: what related records would share too, taken off again. CALIBRATION: scale and
 * offset that make a probability come true.
 */
export interface WaterfallStep extends Omit<FieldWeight, 'leftOut'> {
  kind: 'PRIOR' | 'COMPARISON' | 'SOURCE' | 'RELATION' | 'CALIBRATION'
  leftOut: 'GROUP' | 'REPEATS' | null
  /** The sum so far, this step included, in bits. */
  total: number
}

/** Bits under which two sums are the same but for the rounding of their additions. */
const ROUNDING_BITS = 1e-9

/**
 * How a weight comes about, step by step; the last total is the weight itself. Every explanation (query, command, report)
 * is made of this, so that none says what another does not.
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
    const kind = field.field !== '*' ? 'COMPARISON' : field.dimension === 'relation' ? 'RELATION' : 'SOURCE'
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
