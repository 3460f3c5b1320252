import { bareExecutor } from './execute.ts'

// One combination of executors for bench/executor.ts: runs the operations that it is sent and
// reports the CPU that it used.

export interface Batch {
  query: string
  variables: Record<string, unknown>[]
  /** Operations that run at the same time. */
  concurrency: number
}

export interface Ran {
  cpuMs: number
  wallMs: number
  /** The first result, as JSON. */
  result: string
}

const [databaseUrl = '', compiled = ''] = process.argv.slice(2)
const execute = await bareExecutor(databaseUrl, {
  plans: compiled.includes('plans'),
  fetches: compiled.includes('fetches'),
})
process.on('message', async ({ query, variables, concurrency }: Batch) => {
  const [cpu, began] = [process.cpuUsage(), performance.now()]
  let next = 0
  let first = ''
  const work = async () => {
    for (let n = next++; n < variables.length; n = next++) {
      const text = JSON.stringify(await execute(query, variables[n] ?? {}))
      if (n === 0) first = text
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({
    cpuMs: (user + system) / 1_000,
    wallMs: performance.now() - began,
    result: first,
  } satisfies Ran)
})
process.once('disconnect', () => process.exit())
process.send?.('ready')
