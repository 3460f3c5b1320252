import pino, { type Logger } from 'pino'
import { visibleJson } from '../../schema/kit/visibleText.ts'

/** Lines that wait while they cannot be written. */
const waitingBytesMax = 2 ** 20

/** Opens a log of JSON lines on the standard error, each with the name of its process. */
export function openLog(level: string, name: string): Logger {
  return pino(
    { level, base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    // Synchronous, so that the last lines of a process that dies are written.
    harmless(openErrorOutput()),
  )
}

/**
 * A disk that is full of logs does not end the program: lines wait for space, up to a bound, and
 * further ones are lost.
 */
function openErrorOutput(): pino.DestinationStream {
  const destination = pino.destination({ fd: 2, sync: true, maxLength: waitingBytesMax })
  // There is nowhere else to report it.
  destination.on('error', () => {})
  return destination
}

/** Logs are read in terminals too: nothing in their texts acts there. */
function harmless(destination: pino.DestinationStream): pino.DestinationStream {
  return { write: (line) => destination.write(visibleJson(line)) }
}
