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
 * Reloads the graph on `again`, on SIGHUP and when the file of the supergraph changes. If the new
 * graph cannot be served, logs that and continues with the last one; `refused` then returns true.
 */
export function followGraph(at: {
  file: string | undefined
  /** The graph at the start. */
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
        log.info('the graph was reloaded')
      } catch (err) {
        refused = true
        log.error({ err: describeError(err) }, 'the graph cannot be served: the last one stays')
      }
    })
  }
  process.on('SIGHUP', again)
  // Polling, unlike file notifications, also detects a file that is replaced or mounted again.
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
