import pino, { type Logger } from 'pino'

/** Lines of JSON on the standard error, each with what process wrote it. */
export function openLog(level: string, name: string): Logger {
  return pino(
    { level, base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    // Written before it goes on, so that the last words of a process that dies are there.
    pino.destination({ fd: 2, sync: true }),
  )
}
