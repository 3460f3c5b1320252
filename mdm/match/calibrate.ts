import type { Engine, Features } from './engine.ts'
import { type LevelShares, levelShares, levelsByName, type Parameters } from './parameters.ts'
import { MISSING } from './priors.ts'

/** A pair of records that a person has labelled as one thing or not. */
export interface LabelledPair {
  a: Features
  b: Features
  same: boolean
}

/**
 * The trained shares count as this many labelled matches: a few decisions nudge m, many decide it.
 */
const TRAINED_PAIRS = 200
/**
 * The uncalibrated weight counts as this many labels: with few of them the calibration stays near
 * scale 1, offset 0.
 */
const CALIBRATION_PAIRS = 50
const STEPS = 200

/**
 * Returns a model that also learns from labels and steward decisions: m from the matches among
 * them, then scale and offset of the weight by logistic regression (Platt), with a ridge towards
 * "no change". u, r and the prior stay: decided pairs are no sample of all pairs.
 */
export function learnFromLabels(
  engine: Engine,
  labels: readonly LabelledPair[],
  create: (parameters: Parameters) => Engine,
): Parameters {
  const { parameters } = engine
  const levels: [string, string, LevelShares][] = []
  for (const column of engine.scorer.columns) {
    const { comparison, name, at, levels: all } = column
    const known = levelShares(parameters, comparison, column) ?? {
      m: all.map((l) => l.m),
      r: all.map((l) => l.r),
      u: all.map((l) => l.u),
    }
    const counts = known.m.map((share) => share * TRAINED_PAIRS)
    for (const { a, b, same } of labels) {
      if (!same) continue
      const level = engine.scorer.levels(a.u, b.u).levels[at]!
      if (level !== MISSING) counts[level]!++
    }
    const sum = counts.reduce((x, y) => x + y, 0)
    levels.push([comparison.name, name, { ...known, m: counts.map((count) => count / sum) }])
  }
  const learned: Parameters = {
    ...parameters,
    levels: levelsByName(levels),
    calibration: { scale: 1, offset: 0 },
  }
  const scorer = create(learned)
  const points = labels.map(({ a, b, same }) => ({ weight: scorer.weight(a, b), same }))
  return { ...learned, calibration: fitCalibration(points) }
}

/**
 * Returns the scale and offset (in bits) that fit probabilities to the points, by Newton's steps on
 * the log-likelihood.
 */
export function fitCalibration(points: readonly { weight: number; same: boolean }[]): {
  scale: number
  offset: number
} {
  let scale = 1
  let offset = 0
  for (let step = 0; step < STEPS; step++) {
    // The ridge's gradient and curvature first; weights are of the order of ten bits, hence the
    // factor at the scale.
    let gradientScale = 100 * CALIBRATION_PAIRS * 0.05 * (1 - scale)
    let gradientOffset = CALIBRATION_PAIRS * 0.05 * -offset
    let ss = 100 * CALIBRATION_PAIRS * 0.05
    let so = 0
    let oo = CALIBRATION_PAIRS * 0.05
    for (const { weight, same } of points) {
      const x = Math.max(-30, Math.min(30, weight))
      const p = 1 / (1 + 2 ** -(scale * x + offset))
      const error = (same ? 1 : 0) - p
      const curve = Math.max(p * (1 - p), 1e-6) * Math.LN2
      gradientScale += error * x
      gradientOffset += error
      ss += curve * x * x
      so += curve * x
      oo += curve
    }
    const determinant = ss * oo - so * so
    const moveScale = (oo * gradientScale - so * gradientOffset) / determinant
    const moveOffset = (ss * gradientOffset - so * gradientScale) / determinant
    scale = Math.max(0.2, Math.min(2, scale + Math.max(-0.2, Math.min(0.2, moveScale))))
    offset = Math.max(-10, Math.min(10, offset + Math.max(-1, Math.min(1, moveOffset))))
    if (Math.abs(moveScale) + Math.abs(moveOffset) < 1e-9) break
  }
  return { scale, offset }
}
