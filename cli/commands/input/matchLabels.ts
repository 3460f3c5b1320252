import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import type { BatchResult } from '../../../mdm/match/batch.ts'
import {
  type Answer,
  countAnswers,
  estimateFromLabels,
  type Interval,
} from '../../../mdm/match/labelEstimate.ts'
import {
  type LabelSample,
  type SampledPair,
  sampleForLabels,
} from '../../../mdm/match/labelSample.ts'
import { recordName } from '../../../mdm/match/recordName.ts'
import { counted, fixed, percent } from '../../../schema/kit/numberText.ts'
import { writeCsv } from '../output/csvFile.ts'
import { labelView } from '../output/labelView.ts'
import { openKeys } from './keys.ts'
import { readLabelRows } from './labelFile.ts'
import { askLabels } from './labelSession.ts'

export interface LabelOptions {
  /** Number of pairs. */
  count: number
  /** CSV file with the labels: a,b,same. */
  file: string
  seed: number
  /** Names of the fields that are compared; they are shown first. */
  fields: readonly string[]
  show(lines: readonly string[]): void
}

const COLUMNS_DEFAULT = 100
const SAME: Record<Answer, string> = { SAME: '1', DIFFERENT: '0', UNSURE: 'unsure' }

/**
 * Asks on the terminal which pairs of a result are one thing, and stores each answer in the file.
 * Pairs that the file has are not asked again. Returns what the answers show of the result.
 */
export async function labelPairs(result: BatchResult, options: LabelOptions): Promise<string[]> {
  const { file, show } = options
  const sample = sampleForLabels(result, options.count, options.seed)
  if (sample.pairs.length === 0) return ['No two records are linked: there is no pair to label.']
  const rows = new Map(
    existsSync(file) ? (await readLabelRows(file)).map((r) => [keyOf(r.a, r.b), r]) : [],
  )
  const answers = new Map([...rows].map(([key, { answer }]) => [key, answer]))
  const named = sample.pairs.map((pair) => namesOf(result, pair))
  const save = async () => {
    for (const [a, b] of named) {
      const answer = answers.get(keyOf(a, b))
      if (answer) rows.set(keyOf(a, b), { a, b, answer })
    }
    await writeCsv(
      `${file}.part`,
      ['a', 'b', 'same'],
      rows.values().map(({ a, b, answer }) => [a, b, SAME[answer]]),
      { raw: false },
    )
    // A file that is cut short by a power failure would lose answers.
    await rename(`${file}.part`, file)
  }
  const open = named.filter(([a, b]) => !answers.has(keyOf(a, b))).length
  if (open > 0) {
    const keys = openKeys()
    try {
      show([
        `Are these records one thing? ${counted(sample.pairs.length, 'pair')}, ${counted(open, 'is', 'are')} open; each answer is stored in ${file}.`,
      ])
      const width = process.stderr.columns ?? COLUMNS_DEFAULT
      await askLabels(
        sample.pairs.map((pair, i) => ({
          key: keyOf(...named[i]!),
          view: () =>
            labelView(result.records[pair.a]!, result.records[pair.b]!, options.fields, width),
        })),
        answers,
        { show, readKey: () => keys.read(), save },
      )
    } finally {
      keys.close()
    }
  }
  return statement(
    result,
    sample,
    named.map(([a, b]) => answers.get(keyOf(a, b))),
  )
}

/** Returns what the answers show, in sentences. */
export function statement(
  { stats, engine }: BatchResult,
  { strata, pairs }: LabelSample,
  answers: readonly (Answer | undefined)[],
): string[] {
  const { labelled, known, unsure, open } = countAnswers(strata, pairs, (_, i) => answers[i])
  const { precision, recall } = estimateFromLabels(labelled)
  const lines = [
    `From ${counted(known, 'answer')} to ${counted(pairs.length, 'pair')}${unsure > 0 ? `, ${unsure} unsure` : ''}${open > 0 ? `, ${open} open` : ''}, at the threshold of ${fixed(engine.matchWeightMin, 1)} bits, with intervals of 95 % (Wilson):`,
    precision
      ? `precision ${shareText(precision)} of the pairs of one cluster are one thing`
      : 'precision is not known: no pair of one cluster has an answer',
    recall
      ? `recall ${shareText(recall)} of the linked pairs that are one thing are in one cluster`
      : 'recall is not known: pairs of one cluster and of two need answers',
  ]
  if (recall && stats.pairsCompleteness !== null)
    lines.push(
      `About ${percent(1 - stats.pairsCompleteness)} of all matches share no key and were never compared; with them recall is about ${percent(recall.share * stats.pairsCompleteness)}.`,
    )
  return lines
}

function shareText({ share, low, high }: Interval): string {
  return `${percent(share)} (${percent(low)} to ${percent(high)})`
}

/** Names two records as `train --labels` reads them, in the order of the names. */
function namesOf({ records }: BatchResult, { a, b }: SampledPair): [string, string] {
  const [x, y] = [recordName(records[a]!.key), recordName(records[b]!.key)]
  return x < y ? [x, y] : [y, x]
}

function keyOf(a: string, b: string): string {
  return JSON.stringify(a < b ? [a, b] : [b, a])
}
