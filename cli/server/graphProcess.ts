import { flushCompileCache } from 'node:module'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { JoinError } from '../../gateway/federation/own/joinError.ts'
import { joinGraph } from '../../gateway/federation/own/joinGraph.ts'
import type { GraphJob, GraphResult } from './graphJobs.ts'

// A process for one job of `runGraphJob`. It has no database, no network and no secret, and its
// parent ends it when it takes too much time or memory.

process.once('message', (job: GraphJob) => {
  void resultOf(job).then((result) => {
    // Before the parent ends this process, so that the next one loads the program faster.
    flushCompileCache()
    process.send?.(result, () => process.exit())
  })
})
process.once('disconnect', () => process.exit(1))

async function resultOf(job: GraphJob): Promise<GraphResult> {
  try {
    switch (job.kind) {
      case 'JUDGE': {
        // The whole program: to compose needs a tenth of it.
        const { judgePolicy } = await import('../config/judgePolicy.ts')
        await judgePolicy(job)
        return { ok: true, supergraph: '', sdls: new Map() }
      }
      case 'COMPOSE':
        return { ok: true, supergraph: composeSupergraph(job.subgraphs), sdls: new Map() }
      case 'JOIN':
        return { ok: true, ...joinGraph(job.shipped, job.joining) }
    }
  } catch (e) {
    const { name, message } = e instanceof Error ? e : new Error(String(e))
    return { ok: false, name, message, problems: e instanceof JoinError ? e.problems : null }
  }
}
