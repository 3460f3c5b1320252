/** A person's answer about two records. */
export type Answer = 'SAME' | 'DIFFERENT' | 'UNSURE'

/** Answers to the pairs of one range of the score. */
export interface LabelledStratum {
  /** Whether the result has the pairs in one cluster. */
  isOne: boolean
  range: number
  /** All pairs of the range. */
  size: number
  /** Pairs that have an answer, and those among them that are one thing. */
  labelled: number
  same: number
}

/** Answers to a sample, by its strata and in all. */
export interface CountedAnswers {
  labelled: LabelledStratum[]
  known: number
  unsure: number
  open: number
}

/** Counts the answers to a sample. "Unsure" is no label. */
export function countAnswers<P extends { stratum: number }>(
  strata: readonly Omit<LabelledStratum, 'labelled' | 'same'>[],
  pairs: readonly P[],
  answerOf: (pair: P, i: number) => Answer | undefined,
): CountedAnswers {
  const labelled = strata.map((s): LabelledStratum => ({ ...s, labelled: 0, same: 0 }))
  let [unsure, open] = [0, 0]
  for (const [i, pair] of pairs.entries()) {
    const answer = answerOf(pair, i)
    const stratum = labelled[pair.stratum]!
    if (answer === undefined) open++
    else if (answer === 'UNSURE') unsure++
    else {
      stratum.labelled++
      if (answer === 'SAME') stratum.same++
    }
  }
  return { labelled, known: pairs.length - unsure - open, unsure, open }
}

/** An estimated share with its confidence interval of 95 %. */
export interface Interval {
  share: number
  low: number
  high: number
}

export interface LabelEstimate {
  /** Share of the pairs of one cluster that are one thing; null without an answer to one. */
  precision: Interval | null
  /** Share of the linked pairs that are one thing which are in one cluster. */
  recall: Interval | null
}

/** Normal quantile of a two-sided interval of 95 %. */
const Z = 1.959964

/**
 * Estimates precision and recall from a stratified sample: shares of the strata weighted by their
 * sizes, and for recall the ratio of two such sums, with the variance of W. G. Cochran, Sampling
 * Techniques, 3rd ed. 1977, 5.2 and 6.2. The interval is Wilson's score interval (E. B. Wilson,
 * Journal of the American Statistical Association 22, 1927) for as many independent answers as would
 * have that variance (E. L. Korn and B. I. Graubard, Survey Methodology 24, 1998). Shares within the
 * variance are smoothed by half an answer of each kind: strata without an error have one too.
 */
export function estimateFromLabels(strata: readonly LabelledStratum[]): LabelEstimate {
  const one = total(strata.filter((s) => s.isOne))
  const two = total(strata.filter((s) => !s.isOne))
  const precision =
    one && interval(one.same / one.size, one.smooth / one.size, one.variance / one.size ** 2)
  if (!one || !two) return { precision, recall: null }
  const all = one.same + two.same
  const smooth = one.smooth + two.smooth
  // Delta method for A / (A + B).
  const variance = (two.smooth ** 2 * one.variance + one.smooth ** 2 * two.variance) / smooth ** 4
  return {
    precision,
    recall: all > 0 ? interval(one.same / all, one.smooth / smooth, variance) : null,
  }
}

interface Total {
  size: number
  /** Estimated number of pairs that are one thing, plain and smoothed, and its variance. */
  same: number
  smooth: number
  variance: number
}

/** Sums strata; null if none of several pairs has an answer. */
function total(strata: readonly LabelledStratum[]): Total | null {
  const sum: Total = { size: 0, same: 0, smooth: 0, variance: 0 }
  const known = collapse(strata)
  if (known.length === 0 && strata.some((s) => s.size > 0)) return null
  for (const { size, labelled, same } of known) {
    const smooth = (same + 0.5) / (labelled + 1)
    sum.size += size
    sum.same += (size * same) / labelled
    // A stratum that is labelled whole is known without an error.
    sum.smooth += labelled === size ? same : size * smooth
    sum.variance += ((size * (size - labelled)) / labelled) * smooth * (1 - smooth)
  }
  return sum
}

/** Adds a stratum without an answer to the nearest one that has some. */
function collapse(strata: readonly LabelledStratum[]): LabelledStratum[] {
  const known = strata.filter((s) => s.labelled > 0).map((s) => ({ ...s }))
  for (const { range, size, labelled } of strata) {
    if (labelled > 0) continue
    const nearest = known.toSorted(
      (x, y) => Math.abs(x.range - range) - Math.abs(y.range - range),
    )[0]
    if (nearest) nearest.size += size
  }
  return known
}

function interval(share: number, smooth: number, variance: number): Interval {
  if (variance <= 0) return { share, low: share, high: share }
  return wilson(share, Math.max(1, (smooth * (1 - smooth)) / variance))
}

/** Returns Wilson's score interval of a share among a number of answers. */
export function wilson(share: number, answers: number): Interval {
  const z2 = (Z * Z) / answers
  const centre = (share + z2 / 2) / (1 + z2)
  const half = (Z * Math.sqrt((share * (1 - share)) / answers + z2 / (4 * answers))) / (1 + z2)
  return { share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}
