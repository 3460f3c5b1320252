import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServer } from '../../cli/embeddedPostgres/server.ts'
import { openDatabase, type Sql } from '../../mdm/db/database.ts'
import { migrate } from '../../mdm/db/migrate.ts'
import type {
  BarePlan,
  CatchUpPlan,
  CaughtUp,
  FeedPlan,
  FromGateway,
  Result,
  ToGateway,
} from './protocol.ts'

type Memory = Extract<FromGateway, { is: 'memory' }>

/**
 * Starts Postgres with fsync; runs a gateway with all subgraphs, and clients, each in its own
 * process.
 */
export async function benchProcesses() {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
  const server = await startServer({ dir, durable: true, superuser: true })
  const children: ChildProcess[] = []
  const databaseUrl = server.url('postgres')
  const sql: Sql = openDatabase(databaseUrl, { connectionsMax: 1, name: 'bench' })
  await migrate(sql, here('../../migrations'))

  /**
   * Starts it with the command line's settings: with NODE_ENV=production GraphQL checks less at
   * each step.
   */
  async function startGateway() {
    const env = { ...process.env, NODE_ENV: 'production' }
    const gateway = fork(here('gateway.ts'), [databaseUrl], { env, execArgv: ['--expose-gc'] })
    children.push(gateway)
    const { url, bareUrl } = await heard<Extract<FromGateway, { is: 'listening' }>>(gateway)
    const send = (message: ToGateway) => gateway.send(message)
    return {
      url,
      bareUrl,
      send,
      async memory(): Promise<Memory> {
        send({ do: 'memory' })
        return await heard<Memory>(gateway)
      },
      async stop(): Promise<Memory> {
        send({ do: 'stop' })
        const last = await heard<Memory>(gateway)
        await once(gateway, 'exit')
        return last
      },
    }
  }

  /** Uses a fresh process for each measurement, so that none pays for the garbage of another. */
  async function measured<R extends Result | CaughtUp>(
    plan: FeedPlan | BarePlan | CatchUpPlan,
    whenReady: () => unknown = () => {},
  ): Promise<R> {
    const clients = fork(here('clients.ts'))
    children.push(clients)
    clients.send(plan)
    await heard<'ready'>(clients)
    await whenReady()
    clients.send('go')
    const result = await heard<R>(clients)
    clients.kill()
    return result
  }

  async function close(): Promise<void> {
    for (const child of children) child.kill()
    await sql.end({ timeout: 1 })
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }

  return { databaseUrl, sql, startGateway, measured, close }
}

async function heard<T>(child: ChildProcess): Promise<T> {
  const gone = new AbortController()
  const exit = once(child, 'exit', { signal: gone.signal }).then(([code]) => {
    throw new Error(`a process of the bench ended with ${code}`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message'), exit])
    return message as T
  } finally {
    exit.catch(() => undefined)
    gone.abort()
  }
}
