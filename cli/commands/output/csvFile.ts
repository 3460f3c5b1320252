import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { stringify } from 'csv-stringify/sync'

/**
 * Number of rows that are written as one text; a stream of single rows takes several times as long.
 */
const rowsAtOnce = 10_000

/**
 * Writes a CSV file (RFC 4180, lines end with
 * ) with these columns; `rows` may be generated lazily.
 */
export async function writeCsv(
  file: string,
  columns: readonly string[],
  rows: Iterable<readonly string[]>,
): Promise<void> {
  await pipeline(textOf(columns, rows), createWriteStream(file))
}

function* textOf(columns: readonly string[], rows: Iterable<readonly string[]>): Generator<string> {
  let batch: (readonly string[])[] = [columns]
  for (const row of rows) {
    batch.push(row)
    if (batch.length < rowsAtOnce) continue
    yield stringify(batch)
    batch = []
  }
  yield stringify(batch)
}
