/** One row of a file, as JSON text, and its location for messages. */
export interface FileRow {
  text: string
  /** Line (CSV, NDJSON), row of the sheet (Excel) or number of the element (JSON), from 1. */
  at: number
  /** Why the row cannot be used; `text` is then the list of its cells. */
  problem?: string
}

/** One row of a table before its cells have names. */
export interface TableRow {
  cells: string[]
  /** First and last line of the row. */
  first: number
  last: number
  /** The row ends at a carriage return without a line feed. */
  atReturn?: boolean
  /** The row begins with a byte order mark, as the first one of a file that was joined. */
  marked?: boolean
  /** Why the row cannot be used. */
  problem?: string
}
