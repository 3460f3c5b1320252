import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { parse } from 'csv-parse'
import { unguardedText } from '../../../connectors/file/guardedText.ts'
import type { Answer } from '../../../mdm/match/labelEstimate.ts'
import { recordKeyOf } from './recordKeyOf.ts'

/** Two source records, by key, and whether a person labelled them as one thing. */
export interface Label {
  a: string
  b: string
  same: boolean
}

/** A row of a labels file, with the names of the records as they are written. */
export interface LabelRow {
  a: string
  b: string
  answer: Answer
}

const bytesMax = 1_000_000_000
const labelsMax = 1_000_000
const YES = new Set(['1', 'true', 'yes', 'same', 'match'])
const NO = new Set(['0', 'false', 'no', 'not_same', 'different'])
/** The answer that `match --label` writes if the person did not know. */
const UNSURE = new Set(['unsure', '?'])

/**
 * Reads labelled pairs: CSV with the columns a, b and same. Records are named by their key or as
 * system/object/id; `same` is 1 or 0 (yes or no, true or false), or "unsure", which is no label.
 * Throws at the first invalid line, with its number and what would be right.
 */
export async function readLabelFile(file: string): Promise<Label[]> {
  const labels = new Map<string, Label & { line: number }>()
  for await (const { a, b, answer, line } of labelRows(file)) {
    const at = `${file}:${line}`
    const [x, y] = [recordKeyOf(a).toLowerCase(), recordKeyOf(b).toLowerCase()].sort() as [
      string,
      string,
    ]
    if (x === y) throw new Error(`${at}: a and b are one record, ${a}`)
    if (answer === 'UNSURE') continue
    const label = { a: x, b: y, same: answer === 'SAME', line }
    const known = labels.get(`${x} ${y}`)
    if (known && known.same !== label.same)
      throw new Error(`${at}: line ${known.line} states the opposite for the same two records`)
    labels.set(`${x} ${y}`, label)
    if (labels.size > labelsMax) throw new Error(`${file}: more than ${labelsMax} labels`)
  }
  return [...labels.values()].map(({ a, b, same }) => ({ a, b, same }))
}

/**
 * Reads the rows of a labels file that will be written again. Throws at the first invalid line, and
 * if a line has more than the columns a, b and same: writing would lose it.
 */
export async function readLabelRows(file: string): Promise<LabelRow[]> {
  const rows: LabelRow[] = []
  for await (const { a, b, answer } of labelRows(file, true)) rows.push({ a, b, answer })
  return rows
}

async function* labelRows(
  file: string,
  isWritten = false,
): AsyncGenerator<LabelRow & { line: number }> {
  if ((await stat(file)).size > bytesMax) throw new Error(`${file}: more than ${bytesMax} bytes`)
  const rows = createReadStream(file).pipe(
    parse({ bom: true, trim: true, skip_empty_lines: true, relax_column_count: true, info: true }),
  )
  let columns: { a: number; b: number; same: number } | undefined
  for await (const { record, info } of rows as AsyncIterable<{
    record: string[]
    info: { lines: number }
  }>) {
    const at = `${file}:${info.lines}`
    if (isWritten && record.length > 3)
      throw new Error(
        `${at}: what is not in the columns a, b and same would be lost (${record.join(', ')}); name another file`,
      )
    if (!columns) {
      const names = record.map((name) => name.toLowerCase())
      columns = { a: names.indexOf('a'), b: names.indexOf('b'), same: names.indexOf('same') }
      if (Math.min(columns.a, columns.b, columns.same) < 0)
        throw new Error(
          `${at}: the first line has to name the columns a, b and same; it names ${record.join(', ')}`,
        )
      continue
    }
    const [a, b, same] = [
      unguardedText(record[columns.a] ?? ''),
      unguardedText(record[columns.b] ?? ''),
      (record[columns.same] ?? '').toLowerCase(),
    ]
    if (!a || !b)
      throw new Error(
        `${at}: a and b have to be given: keys of source records, or system/object/id`,
      )
    if (![YES, NO, UNSURE].some((words) => words.has(same)))
      throw new Error(`${at}: same is "${same}"; it has to be 1 or 0`)
    const answer = YES.has(same) ? 'SAME' : NO.has(same) ? 'DIFFERENT' : 'UNSURE'
    yield { a, b, answer, line: info.lines }
  }
  if (!columns)
    throw new Error(`${file}: it is empty; the first line has to name the columns a, b and same`)
}
