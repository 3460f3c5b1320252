import { unwatchFile, watchFile } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { OwnSubgraph } from '../../gateway/federation/own/ownSubgraph.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'

const lookEveryMs = 1_000

export interface Graph extends ServedGraph {
  /** Called once this graph is served, and at each later check that finds it unchanged. */
  served?: (() => Promise<void>) | undefined
}

export interface ServedGraph {
  supergraph: string
  subgraphs: readonly Subgraph[]
  /** Subgraphs of the installation. */
  own: readonly OwnSubgraph[]
}

/**
 * Reloads the graph on `again`, on SIGHUP and when one of its files changes. If the new graph
 * cannot be served, logs that and continues with the last one; `refused` then returns true.
 */
export function followGraph(at: {
  /** Returns the files that the graph is read from. */
  files: () => readonly string[]
  /** The graph at the start. */
  first: Graph
  read: () => Promise<Graph>
  reload: (graph: Graph) => Promise<void>
  log: Logger
}): { again(): void; refused(): boolean; stop(): void } {
  const { log } = at
  const watched = new Set<string>()
  let running = Promise.resolve()
  let last = at.first
  let refused = false
  let stopped = false
  const again = () => {
    running = running.then(async () => {
      try {
        const read = await at.read()
        const next = isDeepStrictEqual(read.own, last.own) ? { ...read, own: last.own } : read
        refused = false
        const isSame =
          next.supergraph === last.supergraph &&
          next.subgraphs === last.subgraphs &&
          next.own === last.own
        if (!isSame) {
          await at.reload(next)
          last = next
          log.info('the graph was reloaded')
        }
        await next.served?.()
      } catch (err) {
        refused = true
        log.error({ err: describeError(err) }, 'the graph cannot be served: the last one stays')
      } finally {
        if (!stopped) watch()
      }
    })
  }
  // Polling, unlike file notifications, also detects a file that is replaced or mounted again.
  const watch = () => {
    const files = new Set(at.files())
    for (const file of watched) if (!files.has(file)) unwatchFile(file, again)
    for (const file of files)
      if (!watched.has(file)) watchFile(file, { interval: lookEveryMs, persistent: false }, again)
    watched.clear()
    for (const file of files) watched.add(file)
  }
  process.on('SIGHUP', again)
  watch()
  return {
    again,
    refused: () => refused,
    stop() {
      stopped = true
      process.off('SIGHUP', again)
      for (const file of watched) unwatchFile(file, again)
      watched.clear()
    },
  }
}
