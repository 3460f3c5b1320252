import pino, { type Logger } from 'pino'
import { visibleJson } from '../../schema/kit/visibleText.ts'

/** Opens a log of JSON lines on the standard error, each with the name of its process. */
export function openLog(level: string, name: string): Logger {
  return pino(
    { level, base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    // Synchronous, so that the last lines of a process that dies are written.
    harmless(pino.destination({ fd: 2, sync: true })),
  )
}

/** Logs are read in terminals too: nothing in their texts acts there. */
function harmless(destination: pino.DestinationStream): pino.DestinationStream {
  return { write: (line) => destination.write(visibleJson(line)) }
}
