import type { FieldValue } from '../../../mdm/match/engine.ts'
import { counted } from '../../../schema/kit/numberText.ts'
import { fileLines } from './fileLines.ts'
import type { ReadRecord } from './readRecord.ts'

/** Maximum characters of a line; a longer line is an error, not a crash. */
const LINE_CHARS_MAX = 16_000_000

/**
 * Yields the records of an NDJSON file, many at a time. `first` receives the first line that is not empty, which
 * shows what a file without records is.
 */
export async function* ndjsonRecords(
  path: string,
  first: (line: string) => void,
): AsyncGenerator<ReadRecord[]> {
  let at = 0
  let begun = false
  const read = (raw: string | null): ReadRecord[] => {
    at++
    const text = at === 1 ? raw?.replace(/^\ufeff/, '') : raw
    if (text?.trim() === '') return []
    if (!begun && text) first(text)
    begun ||= Boolean(text)
    return [
      text
        ? parseLine(text, at)
        : { at, problem: `longer than ${counted(LINE_CHARS_MAX, 'character')}` },
    ]
  }
  for await (const lines of fileLines(path, LINE_CHARS_MAX)) yield lines.flatMap(read)
}

/** Returns the record of one line, or the reason why it is invalid. */
function parseLine(text: string, at: number): ReadRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { at, problem: `not JSON (${(error as Error).message.slice(0, 80)})` }
  }
  if (!isObject(value)) return { at, problem: 'not an object {"source","id","fields"}' }
  const { source, id, fields } = value
  if (typeof source !== 'string' || (typeof id !== 'string' && typeof id !== 'number'))
    return { at, problem: '"source" (a text) and "id" (a text or a number) are missing' }
  if (!isObject(fields)) return { at, problem: '"fields" is not an object' }
  return {
    at,
    source,
    id: String(id),
    fields: fields as Record<string, FieldValue | FieldValue[] | null>,
  }
}

/** Describes a file without records by its first line that is not empty. */
export function shapeOf(text: string | undefined): string {
  if (text === undefined) return 'it is empty'
  if (/^\s*\[/.test(text)) return 'it looks like a JSON array'
  if (/^\s*\{/.test(text)) {
    const members = membersOf(text)
    return members
      ? `its first line has the members ${members.slice(0, 10).join(', ') || 'none'}`
      : 'it looks like one JSON document over several lines'
  }
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
