import { fork, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { DATABASE } from '../cli/embeddedPostgres/roles.ts'
import { runningServer } from '../cli/embeddedPostgres/server.ts'
import { benchEnvironment } from './shared/benchEnvironment.ts'

// Queries: ten customers with their contracts and open invoices over three subgraphs, on random
// pages. Each of these is one process before the same Postgres; they are measured in turn:
// - gateway: as shipped, for a caller with a token, with rights, limits, cost and metrics
// - traced: the same in its own process, with every trace sent to a collector (OTLP)
// - bare: the same planner and subgraphs without any of that
// - apollo: @apollo/gateway before the same subgraphs, if installed (npm install --prefix
// bench/peers)
// - limit: the same response from one hand-written SQL statement
// - rows (with --rows): the gateway for a caller bound to one region with half of the customers
// npm run bench -- query [--connections 50] [--seconds 10] [--rounds 3] [--companies 2000] [--rows]
// Figures and their history: bench/README.md.

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    companies: { type: 'string', default: '2000' },
    /** A data directory that already has a world; it is left unchanged. */
    data: { type: 'string' },
    rows: { type: 'boolean', default: false },
  },
})
const connections = Number(values.connections)
const seconds = Number(values.seconds)
const pages = 200

const query = `query Page($after: String) {
  customers(first: 10, after: $after, orderBy: [{ field: NAME }]) {
    nodes {
      id name lifecycle
      contracts(first: 5) { nodes { id number value { minorUnits currency } } }
      invoices(first: 5, filter: { open: true }) { nodes { id number dueDate balance { minorUnits currency } } }
    }
    pageInfo { hasNextPage endCursor }
  }
}`
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const dir = values.data ?? mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const main = here('../cli/main.ts')
const env = benchEnvironment({ TOUCHSTONE_CALLER_OPERATIONS_PER_MINUTE_MAX: '10000000' })
const shipped = readFileSync(here('../config/access.yaml'), 'utf8')
if (values.rows) {
  writeFileSync(
    join(dir, 'access.yaml'),
    `${shipped}\nrows: { regions: { half: [DE, US, GB, FR, NONE] } }\n`,
  )
  Object.assign(env, { TOUCHSTONE_ACCESS: join(dir, 'access.yaml') })
}
const start = spawn(
  process.execPath,
  [main, 'start', '--companies', values.companies, '--data-dir', dir, '--port', '0'],
  { stdio: ['ignore', 'pipe', 'inherit'], env },
)
let printed = ''
start.stdout.on('data', (chunk) => {
  printed += chunk
})
const others: ReturnType<typeof fork>[] = []
const ends: (() => Promise<unknown>)[] = []
/** Process ids by URL. */
const pids = new Map<string, number | undefined>()
try {
  while (!printed.includes('Stop with Ctrl-C')) {
    if (start.exitCode !== null) throw new Error(`touchstone start ended:\n${printed}`)
    await sleep(200)
  }
  const gateway = /GraphQL\s+(http\S+)/.exec(printed)?.[1] ?? ''
  pids.set(gateway, start.pid)
  const server = await runningServer(dir)
  if (!server) throw new Error('the embedded Postgres is not running')
  const database = server.url(DATABASE)
  const tokenOf = async (region: string) =>
    (
      await output([
        main,
        'token',
        '--role',
        'reader',
        '--actor',
        'bench',
        '--region',
        region,
        '--data-dir',
        dir,
      ])
    ).trim()
  const token = await tokenOf('*')

  const targets = new Map([
    ['gateway', gateway],
    ['traced', await traced(database)],
    ...(values.rows ? [['rows', gateway] as const] : []),
    ['bare', await other('query/bare.ts', database)],
    ...(existsSync(here('peers/node_modules/@apollo/gateway'))
      ? [['apollo', await other('query/apollo.ts', database)] as const]
      : []),
    ['limit', await other('query/limit.ts', database, String(pages))],
  ])
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const cursors: (string | null)[] = [null]
  const ask = async (url: string, after: string | null) =>
    (await (
      await fetch(url, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query, variables: { after } }),
      })
    ).json()) as {
      errors?: unknown
      data?: { customers: { pageInfo: { hasNextPage: boolean; endCursor: string } } }
    }
  while (cursors.length < pages) {
    const { data, errors } = await ask(gateway, cursors.at(-1) ?? null)
    if (!data || errors) throw new Error(JSON.stringify(errors))
    if (!data.customers.pageInfo.hasNextPage) break
    cursors.push(data.customers.pageInfo.endCursor)
  }
  // All of them must return the same data.
  for (const [name, url] of targets) {
    if (name === 'limit' || name === 'rows') continue
    for (const after of cursors.slice(0, 5)) {
      const [theirs, ours] = [await ask(url, after), await ask(gateway, after)]
      if (JSON.stringify(theirs.data) !== JSON.stringify(ours.data))
        throw new Error(
          `${name} and the gateway return different data: ${JSON.stringify(theirs).slice(0, 500)}`,
        )
    }
  }
  const requests = cursors.map((after) => ({
    method: 'POST' as const,
    path: '/graphql',
    headers,
    body: JSON.stringify({ query, variables: { after } }),
  }))
  const bound = { ...headers, authorization: `Bearer ${await tokenOf('half')}` }
  const measure = async (name: string, duration: number) => {
    const url = targets.get(name) ?? ''
    const before = cpuMs(pids.get(url))
    const result = await autocannon({
      url,
      connections,
      duration,
      ...(name === 'limit'
        ? {}
        : {
            requests: name === 'rows' ? requests.map((r) => ({ ...r, headers: bound })) : requests,
          }),
    })
    if (result.errors + result.non2xx > 0) throw new Error(`${name}: some requests failed`)
    return { ...result, cpuMs: (cpuMs(pids.get(url)) - before) / result.requests.total }
  }
  for (const name of targets.keys()) await measure(name, 4)
  const rounds: Map<string, number>[] = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    const found = new Map<string, number>()
    for (const name of targets.keys()) {
      const { requests: n, latency, cpuMs } = await measure(name, seconds)
      found.set(name, n.average)
      console.log(
        `round ${round}: ${name.padEnd(8)}${n.average.toFixed(0).padStart(6)} requests/s, p50 ${latency.p50} ms, p99 ${latency.p99} ms, ${cpuMs.toFixed(2)} ms of CPU each`,
      )
    }
    rounds.push(found)
  }
  /** Returns the median over all rounds of the ratio of two rates in the same round. */
  const median = (one: string, other: string) => {
    const of = rounds
      .map((r) => (r.get(one) ?? 0) / (r.get(other) ?? Number.NaN))
      .filter(Number.isFinite)
    return of.sort((a, b) => a - b)[of.length >> 1]?.toFixed(2) ?? 'not measured'
  }
  console.log(
    `the gateway, median of ${values.rounds} rounds: ${median('gateway', 'limit')} of the limit (target >= 0.40), ` +
      `${median('gateway', 'apollo')} times @apollo/gateway (>= 3), ${median('gateway', 'bare')} of the same without rights and limits, ` +
      `${median('traced', 'bare')} with every request traced as well (>= 0.85); ${cursors.length} pages`,
  )
} finally {
  for (const child of others) if (child.connected) child.disconnect()
  for (const end of ends) await end()
  start.kill('SIGTERM')
  await new Promise((resolve) => start.once('exit', resolve))
  if (!values.data) rmSync(dir, { recursive: true, force: true })
}

/** Returns the CPU time of a process; on a busy machine it is more reliable than rates. */
function cpuMs(pid: number | undefined): number {
  const [user, system] =
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? []
  return (Number(user) + Number(system)) * 10
}

/** Starts another process and returns the URL that it reports. */
async function other(file: string, ...args: string[]): Promise<string> {
  const child = fork(here(file), args)
  others.push(child)
  return await new Promise((resolve, reject) => {
    child.once('message', (url) => {
      pids.set(String(url), child.pid)
      resolve(String(url))
    })
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)))
  })
}

/** Starts another gateway that sends its spans to a collector, which discards them. */
async function traced(database: string): Promise<string> {
  const collector = createServer((req, res) => req.resume().once('end', () => res.end('{}')))
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const child = spawn(
    process.execPath,
    [main, 'serve', '--roles', 'gateway', '--port', '0', '--data-dir', dir],
    {
      stdio: ['ignore', 'inherit', 'pipe'],
      env: {
        ...env,
        DATABASE_URL: database,
        TOUCHSTONE_OTLP_URL: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
        TOUCHSTONE_TRACE_PERCENT: '100',
      },
    },
  )
  const ended = new Promise((resolve) => child.once('exit', resolve))
  ends.push(async () => {
    child.kill('SIGTERM')
    await ended
    collector.close()
    collector.closeAllConnections()
  })
  let printed = ''
  return await new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      printed += chunk
      const url = /"url":"(http[^"]+)".*"msg":"started"/.exec(printed)?.[1]
      if (!url) return
      pids.set(url, child.pid)
      resolve(url)
    })
    child.once('exit', () => reject(new Error(`the traced gateway ended:\n${printed}`)))
  })
}

async function output(args: string[]): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  await new Promise((resolve) => child.once('exit', resolve))
  return text
}
