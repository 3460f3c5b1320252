import type { FieldValue, MatchRecord } from '../../../mdm/match/engine.ts'
import { POSTINGS_RECORDS_MAX } from '../../../mdm/match/postings.ts'
import { count, counted } from '../../../schema/kit/numberText.ts'
import { fileLines } from './fileLines.ts'

/** Maximum characters of a line; a longer line is an error, not a crash. */
const LINE_CHARS_MAX = 16_000_000
/** Maximum number of invalid lines that are reported one by one. */
const BAD_LINES_SHOWN_MAX = 5
const SHAPE =
  'match reads NDJSON, one record a line: {"source":"crm","id":"17","fields":{"name":"Anna Lindqvist"}}'

/**
 * Reads the records of an NDJSON file. `report` receives the lines that were left out. If two lines
 * have the same source and id, each is a separate record, and the later one gets a number behind
 * its key. Throws if the file holds no record at all.
 */
export async function readRecordsFile(
  file: string,
  report: (line: string) => void,
): Promise<MatchRecord[]> {
  const records: MatchRecord[] = []
  const times = new Map<string, number>()
  let firstLine: string | undefined
  let line = 0
  let bad = 0
  for await (const raw of fileLines(file, LINE_CHARS_MAX)) {
    line++
    const text = line === 1 ? raw?.replace(/^\ufeff/, '') : raw
    if (text?.trim() === '') continue
    firstLine ??= text ?? undefined
    const record = text ? parseLine(text) : `longer than ${count(LINE_CHARS_MAX)} characters`
    if (typeof record === 'string') {
      if (bad++ < BAD_LINES_SHOWN_MAX) report(`${file}:${line}: ${record}; the line is left out`)
      continue
    }
    const repeats = times.get(record.key) ?? 0
    times.set(record.key, repeats + 1)
    records.push(repeats === 0 ? record : { ...record, key: `${record.key}\u0000${repeats}` })
    if (records.length > POSTINGS_RECORDS_MAX)
      throw new Error(
        `${file}: more than ${count(POSTINGS_RECORDS_MAX)} records; split them by country or region`,
      )
  }
  if (records.length === 0)
    throw new Error(`${file} holds no record: ${shapeOf(firstLine)}. ${SHAPE}`)
  if (bad > 0) report(`${file}: ${count(bad)} of ${counted(line, 'line')} left out`)
  if (times.size < records.length)
    report(
      `note: ${counted(records.length - times.size, 'line repeats', 'lines repeat')} a source and id; each is a separate record, and is written under that id`,
    )
  return records
}

/** Returns the record of one line, or the reason why it is invalid. */
function parseLine(text: string): MatchRecord | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return `not JSON (${(error as Error).message.slice(0, 80)})`
  }
  if (!isObject(value)) return 'not an object {"source","id","fields"}'
  const { source, id, fields } = value
  if (typeof source !== 'string' || (typeof id !== 'string' && typeof id !== 'number'))
    return '"source" (a text) and "id" (a text or a number) are missing'
  if (!isObject(fields)) return '"fields" is not an object'
  return {
    key: `${source}\u0001${id}`,
    source,
    fields: fields as Record<string, FieldValue | FieldValue[] | null>,
  }
}

/** Describes a file without records by its first line that is not empty. */
function shapeOf(text: string | undefined): string {
  if (text === undefined) return 'it is empty'
  if (text.startsWith('\u001f')) return 'it is compressed; unpack it first'
  if (text.startsWith('PK\u0003\u0004')) return 'it is a ZIP archive or a spreadsheet'
  if (/^\s*\[/.test(text)) return 'it looks like a JSON array'
  if (/^\s*\{/.test(text)) {
    const members = membersOf(text)
    return members
      ? `its first line has the members ${members.slice(0, 10).join(', ') || 'none'}`
      : 'it looks like one JSON document over several lines'
  }
  if (/[,;\t]/.test(text)) return 'it looks like CSV'
  return `its first line is "${text.slice(0, 60)}"`
}

function membersOf(text: string): string[] | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? Object.keys(value) : null
  } catch {
    return null // the document goes on in the next line
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
