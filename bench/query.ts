import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { runningServer } from '../cli/postgres/server.ts'
import { openDatabase } from '../mdm/db/database.ts'

// Queries: ten customers with their contracts and open invoices over three subgraphs, the page chosen at random, through
// the gateway in one process; beside it the same answer from one hand-written SQL statement behind a bare node:http server.
//   node bench/query.ts [--connections 50] [--seconds 10] [--rounds 3] [--companies 2000]
// Figures and their history: bench/README.md.

const option = (name: string, value: number) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? value : Number(process.argv[at + 1])
}
const connections = option('connections', 50)
const seconds = option('seconds', 10)
const rounds = option('rounds', 3)
const companies = option('companies', 2_000)
const pages = 40

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

const statement = `
  with page as (
    select id, values from golden where type = 'Customer' and state = 'ACTIVE' and (lower(values ->> 'name'), id) > ($1, $2::uuid)
    order by lower(values ->> 'name'), id limit 10)
  select coalesce(json_agg(json_build_object('id', p.id, 'name', p.values ->> 'name', 'lifecycle', p.values ->> 'lifecycle',
    'contracts', (select coalesce(json_agg(c), '[]') from (
      select g.id, g.values ->> 'number' as number, g.values -> 'value' as value
      from source_record m join record_reference r on r.target = m.key join source_record s on s.id = r.record_id and s.type = 'Contract'
        join golden g on g.id = s.golden_id and g.state = 'ACTIVE'
      where m.golden_id = p.id group by g.id order by number limit 5) c),
    'invoices', (select coalesce(json_agg(i), '[]') from (
      select s.key as id, i.number, i.due_date as "dueDate", i.balance_minor as "minorUnits", i.currency
      from source_record m join invoice i on i.customer = m.key join source_record s on s.id = i.record_id
      where m.golden_id = p.id and not i.deleted and i.balance_minor > 0 and i.status is distinct from 'void'
      order by i.issue_date desc, s.key limit 5) i))), '[]') as answer from page p`

const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const start = spawn(
  process.execPath,
  [
    fileURLToPath(new URL('../cli/main.ts', import.meta.url)),
    'start',
    '--companies',
    String(companies),
    '--data-dir',
    dir,
    '--port',
    '0',
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
let said = ''
start.stdout.on('data', (chunk) => {
  said += chunk
})
try {
  while (!said.includes('Stop with Ctrl-C')) {
    if (start.exitCode !== null) throw new Error(`touchstone start ended:\n${said}`)
    await sleep(200)
  }
  const url = /GraphQL\s+(http\S+)/.exec(said)?.[1] ?? ''
  const server = await runningServer(dir)
  if (!server) throw new Error('the embedded Postgres does not run')
  const databases = openDatabase(server.url('postgres'), { connectionsMax: 1, name: 'bench' })
  const [database] = await databases<
    { name: string }[]
  >`select datname as name from pg_database where not datistemplate and datname <> 'postgres'`
  await databases.end()
  const sql = openDatabase(server.url(database?.name ?? 'postgres'), {
    connectionsMax: 10,
    name: 'bench',
    planCache: 'auto',
  })

  const cursors: (string | null)[] = [null]
  while (cursors.length < pages) {
    const answer = (await (
      await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables: { after: cursors.at(-1) } }),
      })
    ).json()) as { errors?: unknown; data?: { customers: { pageInfo: { hasNextPage: boolean; endCursor: string } } } }
    if (!answer.data) throw new Error(JSON.stringify(answer.errors))
    if (!answer.data.customers.pageInfo.hasNextPage) break
    cursors.push(answer.data.customers.pageInfo.endCursor)
  }
  const places = await sql<{ name: string; id: string }[]>`
    select name, id from (select lower(values ->> 'name') as name, id, row_number() over (order by lower(values ->> 'name'), id) as n
      from golden where type = 'Customer' and state = 'ACTIVE') x where n % 10 = 0 order by n limit ${pages - 1}`
  const from = [{ name: '', id: '00000000-0000-0000-0000-000000000000' }, ...places]
  const bare = createServer(async (_, res) => {
    const at = from[Math.floor(Math.random() * from.length)]
    const rows = await sql.unsafe(statement, [at?.name ?? '', at?.id ?? ''], { prepare: true })
    res.setHeader('content-type', 'application/json').end(JSON.stringify(rows[0]?.answer))
  })
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve))
  const bareUrl = `http://127.0.0.1:${(bare.address() as AddressInfo).port}/`

  const requests = cursors.map((after) => ({
    method: 'POST' as const,
    path: '/graphql',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { after } }),
  }))
  const measure = async (target: string, gateway: boolean, duration: number) =>
    await autocannon({ url: target, connections, duration, ...(gateway ? { requests } : {}) })
  await measure(url, true, 5)
  await measure(bareUrl, false, 3)
  const ratios: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const ours = await measure(url, true, seconds)
    const limit = await measure(bareUrl, false, seconds)
    if (ours.errors + ours.non2xx + limit.errors + limit.non2xx > 0) throw new Error('some requests failed')
    ratios.push(ours.requests.average / limit.requests.average)
    console.log(
      `round ${round}: gateway ${ours.requests.average.toFixed(0)} requests/s (target >= 400), p50 ${ours.latency.p50} ms, p99 ${ours.latency.p99} ms; ` +
        `one SQL statement behind node:http ${limit.requests.average.toFixed(0)}/s; ratio ${(ours.requests.average / limit.requests.average).toFixed(2)}`,
    )
  }
  console.log(`median ratio to the limit ${[...ratios].sort((a, b) => a - b)[ratios.length >> 1]?.toFixed(2)}`)
  bare.closeAllConnections()
  bare.close()
  await sql.end()
} finally {
  start.kill('SIGTERM')
  await new Promise((resolve) => start.once('exit', resolve))
  rmSync(dir, { recursive: true, force: true })
}
