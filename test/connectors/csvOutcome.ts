import type { GeneratedFile, GeneratedRow } from './csvFiles.ts'

/** Outcome of a generated file. */
export interface Outcome {
  refused: string | null
  records: ReadonlyMap<string, string>[]
  exceptions: { text: string; detail: string }[]
}

/** The texts of a damaged row may have lost or gained the characters of its damage. */
function similar(found: string, wanted: string, cut: boolean): boolean {
  return bare(found) === bare(wanted) || (cut && bare(wanted).startsWith(bare(found)))
}

function isRow(
  record: ReadonlyMap<string, string>,
  row: GeneratedRow,
  file: GeneratedFile,
): boolean {
  const cut = file.damages.includes('cut')
  const names = new Set([...record.keys(), ...row.values.keys()])
  return [...names].every((name) => {
    const found = record.get(name) ?? ''
    const wanted = row.values.get(name) ?? ''
    return found === wanted || (row.damaged && similar(found, wanted, cut))
  })
}

/** Returns what is wrong with the outcome of a file; empty if nothing is. */
export function faults(file: GeneratedFile, { refused, records, exceptions }: Outcome): string[] {
  if (refused !== null)
    return /\b(?:line|row) \d+|incomplete/.test(refused)
      ? []
      : [`refused without a line: ${refused}`]
  const wrong: string[] = []
  const left = [...file.rows]
  for (const record of records) {
    const at = left.findIndex((row) => row.id === record.get('id') && isRow(record, row, file))
    const any = at < 0 ? left.findIndex((row) => row.damaged && isRow(record, row, file)) : at
    if (any < 0) wrong.push(`a record that is no row: ${JSON.stringify([...record])}`)
    else left.splice(any, 1)
  }
  const counted = exceptions.map((e) => e.text).join('\n')
  for (const row of left)
    if (!isCounted(row, counted, file))
      wrong.push(`a row is neither a record nor an exception: ${JSON.stringify([...row.values])}`)
  const parts = records.length + exceptions.length
  if (parts < file.rows.length - file.fused)
    wrong.push(`${file.rows.length} rows became ${parts} records and exceptions`)
  return wrong
}

/** Returns whether the texts of the exceptions hold a row, by its id or else by another text. */
function isCounted(row: GeneratedRow, counted: string, file: GeneratedFile): boolean {
  if (counted.includes(JSON.stringify(row.id).slice(1, -1))) return true
  if (!row.damaged || counted === '') return false
  const others = [...row.values.values()].filter((text) => text !== row.id && text.length > 3)
  return (
    others.length === 0 ||
    others.some((text) => bare(counted).includes(bare(text))) ||
    // The beginning of its first cell may be all that is left of it.
    (file.damages.includes('cut') && file.rows.at(-1) === row)
  )
}

/** A text without the characters that damage adds or removes. */
function bare(text: string): string {
  return text.replaceAll(/\\[rnt"]|\\u0000|["\s\0\ufeff,;|\\]/g, '')
}
