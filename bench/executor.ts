import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { temporaryServer } from '../test/database.ts'
import { demoStore } from '../test/fixtures/demoStore.ts'
import type { Batch, Ran } from './query/executorChild.ts'

// How much each half of our executor gains: the gateway's plans and the subgraphs' operations, each
// compiled or run by the library (Hive's plan executor, graphql-js), over the real graph and a
// Postgres. Each combination is one process. They alternate in short batches, so that other work on
// the machine affects all of them alike. Compares the CPU time of the processes within a round, for
// each query separately.
// node bench/executor.ts [--companies 300] [--rounds 20] [--batch 200]

import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    companies: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '20' },
    batch: { type: 'string', default: '200' },
  },
})
const concurrency = 20
const warmUpBatches = 10

const queries = {
  page: `query Page($after: String) {
    customers(first: 10, after: $after, orderBy: [{ field: NAME }]) {
      nodes {
        id name lifecycle
        contracts(first: 5) { nodes { id number value { minorUnits currency } } }
        invoices(first: 5, filter: { open: true }) { nodes { id number dueDate balance { minorUnits currency } } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }`,
  names:
    'query Names($after: String) { customers(first: 10, after: $after, orderBy: [{ field: NAME }]) { nodes { id name } } }',
}
const cursors = `query ($after: String) { customers(first: 10, after: $after, orderBy: [{ field: NAME }]) { pageInfo { endCursor hasNextPage } } }`
const combinations = new Map([
  ['both', 'plans,fetches'],
  ['plans', 'plans'],
  ['fetches', 'fetches'],
  ['neither', ''],
])

const server = await temporaryServer()
const sql = openDatabase(server.url('postgres'), { connectionsMax: 4, name: 'bench' })
const children = new Map<string, ChildProcess>()
try {
  await migrate(sql, 'migrations')
  await demoStore(sql, { seed: 1, companies: Number(values.companies) })
  await sql`analyze`
  for (const [name, compiled] of combinations) {
    const child = fork(fileURLToPath(new URL('query/executorChild.ts', import.meta.url)), [
      server.url('postgres'),
      compiled,
    ])
    children.set(name, child)
    await once(child, 'message')
  }
  const pages = await pagesOf('both')
  for (const [query, text] of Object.entries(queries)) await compare(query, text, pages)
} finally {
  for (const child of children.values()) if (child.connected) child.disconnect()
  await sql.end()
  await server.stop()
}

async function compare(name: string, query: string, pages: (string | null)[]): Promise<void> {
  const variables = Array.from({ length: Number(values.batch) }, (_, n) => ({
    after: pages[n % pages.length] ?? null,
  }))
  const results = new Set<string>()
  for (let n = 0; n < warmUpBatches; n++)
    for (const combination of combinations.keys())
      results.add((await run(combination, { query, variables, concurrency })).result)
  if (results.size !== 1)
    throw new Error(
      `they answer differently: ${[...results].map((r) => r.slice(0, 300)).join('\n')}`,
    )
  const rounds: Map<string, number>[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const found = new Map<string, number>()
    const order = [...combinations.keys()]
    // Each of them is first, second, third and last equally often.
    for (const combination of [...order.slice(round % 4), ...order.slice(0, round % 4)]) {
      const { cpuMs } = await run(combination, { query, variables, concurrency })
      found.set(combination, cpuMs / variables.length)
    }
    rounds.push(found)
  }
  for (const combination of combinations.keys()) {
    const ms = middle(rounds.map((r) => r.get(combination) ?? Number.NaN))
    const ratios = rounds.map(
      (r) => (r.get(combination) ?? Number.NaN) / (r.get('both') ?? Number.NaN),
    )
    const [low, high] = [quantile(ratios, 0.25), quantile(ratios, 0.75)].map((x) => x.toFixed(2))
    console.log(
      `${name.padEnd(6)} compiled: ${combination.padEnd(8)} ${ms.toFixed(2)} ms of CPU, ${middle(ratios).toFixed(2)} times both (${low} to ${high} in half of the ${rounds.length} rounds)`,
    )
  }
}

async function pagesOf(combination: string): Promise<(string | null)[]> {
  const pages: (string | null)[] = [null]
  for (;;) {
    const { result } = await run(combination, {
      query: cursors,
      variables: [{ after: pages.at(-1) }],
      concurrency: 1,
    })
    const { endCursor, hasNextPage } = JSON.parse(result).data.customers.pageInfo
    if (!hasNextPage) return pages
    pages.push(endCursor)
  }
}

async function run(combination: string, batch: Batch): Promise<Ran> {
  const child = children.get(combination) as ChildProcess
  child.send(batch)
  const [ran] = await once(child, 'message')
  return ran as Ran
}

function middle(figures: readonly number[]): number {
  return quantile(figures, 0.5)
}

function quantile(figures: readonly number[], at: number): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length * at)] ?? Number.NaN
}
