import pino, { type Logger } from 'pino'

/** Opens a log of JSON lines on the standard error, each with the name of its process. */
export function openLog(level: string, name: string): Logger {
  return pino(
    { level, base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    // Synchronous, so that the last lines of a process that dies are written.
    pino.destination({ fd: 2, sync: true }),
  )
}
