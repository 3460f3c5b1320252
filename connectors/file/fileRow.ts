/** One row of a file, as JSON text, and its location for messages. */
export interface FileRow {
  text: string
  /** Line (CSV, NDJSON) or number of the element (JSON), from 1. */
  at: number
}
