import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { LRUCache } from 'lru-cache'
import { JoinError } from '../../gateway/federation/own/joinError.ts'
import type { JoinedGraph, Joining } from '../../gateway/federation/own/joinGraph.ts'
import { ModelError } from '../../mdm/match/parameters.ts'
import { PolicyError } from '../../schema/directives.ts'
import { childEnvironment } from '../../schema/kit/childEnvironment.ts'
import type { PolicyQuestion } from '../config/judgePolicy.ts'
import { compileCacheFolder } from '../config/packagePath.ts'
import { parseStoredPolicy } from '../config/policyFiles.ts'

type Sdl = { name: string; sdl: string }

/** Work on a graph that somebody else has written: a policy, or a subgraph of the installation. */
export type GraphJob =
  | ({ kind: 'JUDGE' } & PolicyQuestion)
  | { kind: 'COMPOSE'; subgraphs: Sdl[] }
  | { kind: 'JOIN'; shipped: Sdl[]; joining: Joining[] }

export type GraphResult =
  | ({ ok: true } & JoinedGraph)
  | { ok: false; name: string; message: string; problems: readonly string[] | null }

/** Bounds of one job. A policy of 40 golden types takes a tenth of both. */
export const GRAPH_JOB_BOUNDS = {
  secondsMax: 120,
  /** Heap of the process, in MB. */
  heapMegabytesMax: 768,
  /** Jobs that wait for the one in progress. */
  waitingMax: 8,
} as const

/** Too many jobs wait: nothing is known about the graph. */
export class GraphBusyError extends Error {
  override name = 'GraphBusyError'
}

/**
 * Signals of a stop. Ctrl-C and a stop of the service reach every process of the group, also the one
 * that checks.
 */
const STOP_SIGNALS = new Set<NodeJS.Signals | null>(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])

/** The job took too much memory, or ended its process. */
class GraphTooLargeError extends Error {
  override name = 'GraphTooLargeError'
}

/**
 * The process was killed, or took too much time. Either may be a fault of the machine: the kernel
 * kills when memory is short, and others may use the processors. So nothing is known about the
 * graph.
 */
export class GraphUncheckedError extends Error {
  override name = 'GraphUncheckedError'
}

/**
 * Throws PolicyError, ModelError or JoinError if no gateway can serve a policy; GraphBusyError if
 * too many are being checked; GraphUncheckedError if the check was killed or took too long.
 */
export async function checkPolicy(question: PolicyQuestion): Promise<void> {
  const { stored, systems } = question
  // Reading is bounded and fast, and finds most mistakes without another process.
  parseStoredPolicy(stored, systems?.map((name) => ({ name })) ?? null)
  const key = keyOf(question)
  const result = verdicts.get(key) ?? (await judge(question))
  verdicts.set(key, result)
  if (result.ok) return
  if (result.problems) throw new JoinError(result.problems)
  if (result.name === 'ModelError') throw new ModelError(result.message)
  if (result.name === 'PolicyError') throw new PolicyError(result.message)
  throw new Error(result.message)
}

/** Results by question: a policy is simulated, published and approved one after the other. */
const verdicts = new LRUCache<string, GraphResult>({ max: 50 })

function keyOf({ stored, systems, own, hide }: PolicyQuestion): string {
  return createHash('sha256')
    .update(JSON.stringify([stored.version, stored.model, stored.parameters, systems, own, hide]))
    .digest('hex')
}

async function judge(question: PolicyQuestion): Promise<GraphResult> {
  return await run({ kind: 'JUDGE', ...question }).catch((e: unknown) => {
    if (e instanceof GraphUncheckedError)
      throw new GraphUncheckedError(`the graph of policy ${question.stored.version} ${e.message}`)
    if (!(e instanceof GraphTooLargeError)) throw e
    const [file = 'the model'] = Object.keys(question.stored.model)
    throw new PolicyError(`${file}:1:1: the graph of this policy ${e.message}`)
  })
}

/** Composes subgraphs. Throws with every reason if they do not compose. */
export async function composeApart(subgraphs: readonly Sdl[]): Promise<string> {
  const result = await run({ kind: 'COMPOSE', subgraphs: subgraphs.map(sdlOf) })
  if (!result.ok) throw new Error(result.message)
  return result.supergraph
}

/** Joins own subgraphs with those of Touchstone. Throws JoinError. */
export async function joinApart(
  shipped: readonly Sdl[],
  joining: readonly Joining[],
): Promise<JoinedGraph> {
  const job: GraphJob = {
    kind: 'JOIN',
    shipped: shipped.map(sdlOf),
    joining: joining.map(({ name, mutations, overrides, configuredAt, sdl, at }) => ({
      name,
      mutations,
      overrides,
      configuredAt,
      sdl,
      at,
    })),
  }
  const result = await run(job).catch((e: unknown) => {
    if (e instanceof GraphTooLargeError || e instanceof GraphUncheckedError)
      throw new JoinError(
        joining.map((j) => `${j.at}:1: the graph with this subgraph ${e.message}`),
      )
    throw e
  })
  if (result.ok) return { supergraph: result.supergraph, sdls: result.sdls }
  if (result.problems) throw new JoinError(result.problems)
  throw new Error(result.message)
}

function sdlOf({ name, sdl }: Sdl): Sdl {
  return { name, sdl }
}

let last: Promise<unknown> = Promise.resolve()
let waiting = 0

/** Runs one job at a time: each may take as much memory as the rest of the process. */
async function run(job: GraphJob): Promise<GraphResult> {
  if (waiting > GRAPH_JOB_BOUNDS.waitingMax)
    throw new GraphBusyError('too many policies are being checked; retry in a minute')
  waiting++
  const mine = last.then(() => runGraphJob(job)).finally(() => waiting--)
  last = mine.catch(() => {})
  return await mine
}

/**
 * Runs a job in a process of its own. A thread would not do: libraries in native code do not stop
 * when a thread is terminated, and their faults end the whole process.
 */
async function runGraphJob(job: GraphJob): Promise<GraphResult> {
  const { secondsMax, heapMegabytesMax } = GRAPH_JOB_BOUNDS
  const child = fork(fileURLToPath(new URL('./graphProcess.ts', import.meta.url)), [], {
    execArgv: [`--max-old-space-size=${heapMegabytesMax}`, '--disable-warning=ExperimentalWarning'],
    env: childEnvironment([], { NODE_COMPILE_CACHE: compileCacheFolder, NODE_ENV: 'production' }),
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, secondsMax * 1_000)
  try {
    return await new Promise<GraphResult>((resolve, reject) => {
      child.once('message', (result) => resolve(result as GraphResult))
      child.once('error', reject)
      child.once('exit', (code, signal) => reject(errorOfExit(code, signal, late)))
      child.send(job)
    })
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}

/** An error of the graph's author would take the graph from all gateways. */
function errorOfExit(code: number | null, signal: NodeJS.Signals | null, late: boolean): Error {
  const { secondsMax, heapMegabytesMax } = GRAPH_JOB_BOUNDS
  if (late) return new GraphUncheckedError(`takes more than ${secondsMax} s to compose and plan`)
  // Node ends itself with SIGABRT at its own bound of heap.
  if (signal === 'SIGKILL')
    return new GraphUncheckedError(
      `could not be checked: the process was killed (${signal}), perhaps because memory is short`,
    )
  return STOP_SIGNALS.has(signal)
    ? new Error(`the process that checks the graph was stopped (${signal})`)
    : new GraphTooLargeError(
        `needs more than ${heapMegabytesMax} MB, or ends the process that composes it (${signal ?? code})`,
      )
}
