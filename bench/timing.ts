import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchEnvironment } from './shared/benchEnvironment.ts'

// How much response times reveal to a caller bound to one region. It requests ids of other regions'
// customers and ids of nobody alternately, over one connection of this machine, the best place for
// an attacker. An advantage of 0.5 is that of a guess, 1 that of certainty. Ids that the caller may
// see are measured beside them.
// npm run bench -- timing [--requests 5000] [--companies 500]

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '5000' },
    companies: { type: 'string', default: '500' },
  },
})
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const main = here('../cli/main.ts')
const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const access = join(dir, 'access.yaml')
writeFileSync(
  access,
  `${readFileSync(here('../config/access.yaml'), 'utf8')}\nrows: { regions: { half: [DE, US, GB, FR, NONE] } }\n`,
)
const env = benchEnvironment({
  TOUCHSTONE_ACCESS: access,
  TOUCHSTONE_CALLER_OPERATIONS_PER_MINUTE_MAX: '10000000',
})
const start = spawn(
  process.execPath,
  [
    main,
    'start',
    '--companies',
    values.companies,
    '--data-dir',
    dir,
    '--port',
    '0',
    '--log-level',
    'error',
  ],
  { stdio: ['ignore', 'pipe', 'inherit'], env },
)
let printed = ''
start.stdout.on('data', (chunk) => {
  printed += chunk
})
try {
  while (!printed.includes('Stop with Ctrl-C')) {
    if (start.exitCode !== null) throw new Error(`touchstone start ended:\n${printed}`)
    await sleep(200)
  }
  const url = /GraphQL\s+(http\S+)/.exec(printed)?.[1] ?? ''
  const [everyone, half] = await Promise.all(['*', 'half'].map(token))
  const [all, seen] = await Promise.all([ids(url, everyone ?? ''), ids(url, half ?? '')])
  const others = [...all].filter((id) => !seen.has(id))
  if (others.length === 0 || seen.size === 0) throw new Error('the regions divide no customers')
  const kinds: Record<string, () => string> = {
    'of others': () => pick(others),
    'of nobody': () => crypto.randomUUID(),
    'the own': () => pick([...seen]),
  }
  for (const question of ['customer', 'node']) {
    const took = new Map(Object.keys(kinds).map((k) => [k, [] as number[]]))
    for (let n = -500; n < Number(values.requests); n++)
      for (const [kind, id] of Object.entries(kinds)) {
        const began = performance.now()
        const got = await ask(url, half ?? '', `query ($id: ID!) { ${question}(id: $id) { id } }`, {
          id: id(),
        })
        if (n >= 0) took.get(kind)?.push(performance.now() - began)
        if ((got[question] !== null) !== (kind === 'the own'))
          throw new Error(`${question} ${kind}: ${JSON.stringify(got)}`)
      }
    const of = (kind: string) => (took.get(kind) ?? []).toSorted((a, b) => a - b)
    const medians = Object.keys(kinds).map(
      (kind) => `${kind} ${((of(kind)[of(kind).length >> 1] ?? 0) * 1_000).toFixed(0)} µs`,
    )
    console.log(
      `${question}: medians ${medians.join(', ')}; advantage of others over nobody ${advantage(of('of others'), of('of nobody')).toFixed(3)}, ` +
        `of the own over nobody ${advantage(of('the own'), of('of nobody')).toFixed(3)}`,
    )
  }
} finally {
  start.kill('SIGTERM')
  await new Promise((resolve) =>
    start.exitCode === null ? start.once('exit', resolve) : resolve(null),
  )
  rmSync(dir, { recursive: true, force: true })
}

/**
 * Returns how often one of `a` takes longer than one of `b`; both are sorted.
 * https://en.wikipedia.org/wiki/Mann-Whitney_U_test
 */
function advantage(a: readonly number[], b: readonly number[]): number {
  let [below, sum] = [0, 0]
  for (const x of a) {
    while (below < b.length && (b[below] ?? 0) < x) below++
    sum += below
  }
  return sum / (a.length * b.length)
}

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] as T
}

async function ask(
  url: string,
  token: string,
  query: string,
  variables = {},
): Promise<Record<string, unknown>> {
  const res = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await res.json()) as {
    data?: Record<string, unknown>
    errors?: unknown
  }
  if (!data || errors) throw new Error(JSON.stringify(errors))
  return data
}

async function ids(url: string, token: string): Promise<Set<string>> {
  const got = (await ask(url, token, '{ customers(first: 200) { nodes { id } } }')) as {
    customers: { nodes: { id: string }[] }
  }
  return new Set(got.customers.nodes.map((n) => n.id))
}

async function token(region: string): Promise<string> {
  const args = [
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
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  let out = ''
  for await (const chunk of child.stdout) out += chunk
  return out.trim()
}
