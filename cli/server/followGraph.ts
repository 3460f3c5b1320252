import { unwatchFile, watchFile } from 'node:fs'
import type { Logger } from 'pino'
import { describeError } from '../../gateway/http/describeError.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'

const lookEveryMs = 1_000

export interface Graph {
  supergraph: string
  subgraphs: readonly Subgraph[]
}

/**
 * Takes the graph anew when told to, by `again` and by SIGHUP, and when the supergraph's file changes. One that cannot be
 * taken is reported, and the last one goes on. `refused` says that this is so.
 */
export function followGraph(at: {
  file: string | undefined
  /** What is served now. */
  first: Graph
  read: () => Graph
  reload: (supergraph: string, subgraphs: readonly Subgraph[]) => Promise<void>
  log: Logger
}): { again(): void; refused(): boolean; stop(): void } {
  const { file, log } = at
  let running = Promise.resolve()
  let last = at.first
  let refused = false
  const again = () => {
    running = running.then(async () => {
      try {
        const next = at.read()
        refused = false
        if (next.supergraph === last.supergraph && next.subgraphs === last.subgraphs) return
        await at.reload(next.supergraph, next.subgraphs)
        last = next
        log.info('the graph was taken anew')
      } catch (err) {
        refused = true
        log.error({ err: describeError(err) }, 'the graph cannot be taken: the last one goes on')
      }
    })
  }
  process.on('SIGHUP', again)
  // Looking at it, rather than being told, also sees a file that is replaced or mounted anew.
  if (file) watchFile(file, { interval: lookEveryMs, persistent: false }, again)
  return {
    again,
    refused: () => refused,
    stop() {
      process.off('SIGHUP', again)
      if (file) unwatchFile(file, again)
    },
  }
}
