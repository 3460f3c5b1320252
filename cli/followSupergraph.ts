import { unwatchFile, watchFile } from 'node:fs'
import type { Logger } from 'pino'
import { describeError } from '../gateway/report.ts'

const lookEveryMs = 1_000

/**
 * Takes the supergraph anew when its file changes, and when the process is told to (SIGHUP). One that cannot be taken is
 * reported, and the last one goes on.
 */
export function followSupergraph(at: {
  file: string | undefined
  read: () => string
  reload: (supergraph: string) => Promise<void>
  log: Logger
}): { stop(): void } {
  const { file, log } = at
  let running = Promise.resolve()
  let last = at.read()
  const again = () => {
    running = running.then(async () => {
      try {
        const text = at.read()
        if (text === last) return
        await at.reload(text)
        last = text
        log.info('the supergraph was taken anew')
      } catch (err) {
        log.error({ err: describeError(err) }, 'the supergraph cannot be taken: the last one goes on')
      }
    })
  }
  process.on('SIGHUP', again)
  // Looking at it, rather than being told, also sees a file that is replaced or mounted anew.
  if (file) watchFile(file, { interval: lookEveryMs, persistent: false }, again)
  return {
    stop() {
      process.off('SIGHUP', again)
      if (file) unwatchFile(file, again)
    },
  }
}
