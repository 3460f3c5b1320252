import type { TracingConfig } from '../observe/tracing.ts'

/** What an ingest worker's thread receives when it starts. */
export interface WorkerData {
  databaseUrl: string
  sources: string | undefined
  /** Workers of this installation, as far as known here: they share the server's lock table. */
  workers: number
  rowsMax: number
  attemptsMax: number
  logLevel: string
  /** Which of the workers this is, from 1 on. */
  number: number
  tracing?: TracingConfig
}
