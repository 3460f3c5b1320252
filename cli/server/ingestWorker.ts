import { hostname } from 'node:os'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { objectTypes } from '../../connectors/objectTypes.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { PENDING_CHANNEL } from '../../mdm/inbox/accept.ts'
import { applyPending, batchRowsMax, type Pipeline } from '../../mdm/ingest/pipeline.ts'
import { releaseHeld } from '../../mdm/ingest/releaseHeld.ts'
import { changedMappings, mappingVersions } from '../../mdm/ingest/remap.ts'
import { policyChannel } from '../../mdm/policy/policies.ts'
import { staleTypes } from '../../mdm/policy/rematch.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { typesToFill } from '../../mdm/search/fillSearch.ts'
import { Backoff } from '../../schema/kit/backoff.ts'
import { WakeableSleep } from '../../schema/kit/wakeableSleep.ts'
import { heldSources, openInstallation } from '../config/installation.ts'
import { activeResolutionContext } from '../config/policyFiles.ts'
import { openLog } from '../observe/log.ts'
import { startTracing } from '../observe/tracing.ts'
import type { CatchUpData } from './catchUpWorker.ts'
import { IngestMeter } from './ingestMeter.ts'
import type { WorkerData } from './ingestWorkerData.ts'
import { PlannerStatistics } from './plannerStatistics.ts'
import { openServablePolicy } from './servablePolicy.ts'

/**
 * A thread of the role `ingest`: applies waiting messages of the inbox until it receives a stop
 * message. A notification wakes it. Without one it polls every `pollMs`, which also finds messages
 * that are due for a retry.
 */
const pollMs = 500
const retryMsMin = 100
const retryMsMax = 5_000

const { databaseUrl, sources, workers, rowsMax, attemptsMax, logLevel, number, tracing } =
  workerData as WorkerData
const stopTracing = await startTracing(tracing ?? {}, `ingest-${number}`)
const log = openLog(logLevel, `ingest-${number}`)
// One for the batch's own statements; the pipeline sends some of them in parallel.
const sql = openDatabase(databaseUrl, { name: 'touchstone-ingest', connectionsMax: 2 })
const installation = openInstallation(sources)
const { policy, systems, connectors, rules, levels } = installation
const meter = new IngestMeter({
  sql,
  worker: `${hostname()}/${process.pid}/${number}`,
  levels,
  typeOf: objectTypes(connectors),
  onError: (error) => log.debug({ err: describeError(error) }, 'metrics of ingest were lost'),
})
const shipped = {
  policy,
  engines: createEngines(policy),
  systems: new Map(systems.map((s) => [s.name, s])),
}
const pipeline: Pipeline = {
  sql,
  ...shipped,
  connectors,
  rules,
  attemptsMax,
  share: { worker: (number - 1) % workers, workers },
  onError(error, inboxId) {
    log.error({ err: describeError(error), inboxId }, 'a message failed')
  },
  // After each commit and not at the end: some parts of a batch may commit before the database
  // becomes unavailable.
  onCommitted(applied, messages, claimedAt) {
    meter.committed(messages, claimedAt)
    statistics?.applied(applied.claimed)
    parentPort?.postMessage(applied)
  },
}

// Only one worker updates them.
const statistics =
  number === 1
    ? new PlannerStatistics(sql, (error) =>
        log.warn({ err: describeError(error) }, 'planner statistics could not be updated'),
      )
    : null

let stopped = false
/** True if mappings, code lists or the matching may differ from those of the stored records. */
let catchUpDue = true
let catchingUp: Worker | null = null
/** True if another policy may have been published since the last read. */
let stale = true
/** Ends when a notification arrives. */
const pause = new WakeableSleep()
parentPort?.on('message', () => {
  stopped = true
  pause.wake()
})

/**
 * Starts a thread that reprocesses stored records if mappings, code lists, the matching or the words
 * of search have changed.
 */
async function catchUp(): Promise<Worker | null> {
  const changed =
    (await changedMappings(sql, mappingVersions(connectors))).length +
    (await staleTypes(sql, pipeline)).length +
    (await typesToFill(sql, pipeline.policy)).length
  if (changed === 0) return null
  const data: CatchUpData = { databaseUrl, sources, logLevel }
  const thread = new Worker(new URL('./catchUpWorker.ts', import.meta.url), { workerData: data })
  thread.once('error', (error) =>
    log.error(
      { err: describeError(error) },
      'changed mappings, matching or search were not applied to all records',
    ),
  )
  thread.once('exit', () => {
    catchingUp = null
  })
  return thread
}

// Only one worker logs a refused policy.
const readPolicy = openServablePolicy(sql, number === 1 ? log : { error: () => {} })

/** Reads the active policy and judges the mappings by it. */
async function followPolicy(): Promise<void> {
  const context = await activeResolutionContext(sql, shipped, systems, readPolicy)
  if (context.policy.version !== judgedBy) {
    installation.judge(context.policy)
    judgedBy = context.policy.version
    catchUpDue = true
    releasedAt = 0
    if (number === 1)
      for (const held of heldSources(connectors))
        log.error(held, 'a source system is held: its messages wait until its mapping is right')
  }
  Object.assign(pipeline, context)
}
let judgedBy: string | undefined

/** Messages of a source system that is held no longer go back into the queue. */
async function release(): Promise<void> {
  releasedAt = Date.now()
  const usable = [...connectors].filter(([, c]) => c.held === undefined).map(([name]) => name)
  const messages = await releaseHeld(sql, usable)
  if (messages > 0) log.info({ messages }, 'messages of source systems that were held')
}
let releasedAt = 0
/** Another process may still hold a system, and make exceptions of its messages. */
const releaseEveryMs = 30_000

async function run(): Promise<void> {
  const backoff = new Backoff(retryMsMin, retryMsMax)
  let rows = 0
  let listening = false
  while (!stopped) {
    try {
      pause.clear()
      if (!listening) {
        await sql.listen(PENDING_CHANNEL, pause.wake)
        // A publication during a lost connection sends no notification.
        const onPublication = () => {
          stale = true
        }
        await sql.listen(policyChannel, onPublication, onPublication)
        listening = true
      }
      if (stale) {
        stale = false
        await followPolicy()
      }
      if (number === 1 && catchUpDue && !catchingUp) {
        catchingUp = await catchUp()
        catchUpDue = false
      }
      if (number === 1 && Date.now() - releasedAt > releaseEveryMs) await release()
      rows ||= await batchRowsMax(sql, workers, rowsMax)
      const applied = await applyPending(pipeline, rows)
      if (applied.claimed === 0) {
        await meter.flush()
        await statistics?.settled()
        await pause.sleep(pollMs)
      }
      backoff.reset()
    } catch (e) {
      stale = true
      const retryMs = Math.round(backoff.next())
      log.warn({ err: describeError(e), retryMs }, 'the database cannot be reached: retrying')
      // A notification must not cut the backoff short; a stop must.
      if (!stopped) pause.clear()
      await pause.sleep(retryMs)
    }
  }
  await catchingUp?.terminate()
  await meter.flush()
  await sql.end({ timeout: 5 })
  await stopTracing()
  // Ends this thread. A driver that is about to reconnect for LISTEN would keep it alive for ever.
  process.exit()
}

await run()
