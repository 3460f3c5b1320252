import { extname } from 'node:path'
import { FileError } from './fileError.ts'

export type FileFormat = 'csv' | 'json' | 'ndjson'

/** A bracket may also begin the name of a column: `[id];[name]`. */
const JSON_START = /^(?:\{\s*["}]|\[\s*(?:[[{\]"]|-?\d|true\b|false\b|null\b))/

/**
 * Detects the format by the content; the name of the file decides only between NDJSON and JSON.
 * Throws FileError for a file with the name of JSON that is none.
 */
export function detectFormat(head: string, name: string): FileFormat {
  const extension = extname(name.replace(/\.gz$/i, '')).toLowerCase()
  const text = head.replace(/^\ufeff/, '').trimStart()
  const linesByName = ['.ndjson', '.jsonl'].includes(extension)
  if (!JSON_START.test(text)) {
    if (text !== '' && (linesByName || extension === '.json') && !/^[[{"]/.test(text))
      throw new FileError(
        `line 1: the file is named ${extension}, but does not begin as JSON; name its format with --format`,
      )
    return linesByName ? 'ndjson' : extension === '.json' ? 'json' : 'csv'
  }
  const end = text.indexOf('\n')
  const first = end < 0 ? text : text.slice(0, end)
  const next = end < 0 ? '' : text.slice(end).trimStart()
  // One value over several lines is a document, whatever the name of the file.
  if (linesByName) return /^(?:\{|\[)\s*$|^\[.*,\s*$/.test(first) ? 'json' : 'ndjson'
  return text.startsWith('{') && next.startsWith('{') && isJson(first) ? 'ndjson' : 'json'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
