import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { readDevelopmentSecret } from '../gateway/identity/developmentSecret.ts'
import type { Attack, ResponseCounts } from './hostile/attacker.ts'
import { benchEnvironment } from './shared/benchEnvironment.ts'

// Hostile callers beside good ones, which send requests continuously over 20 connections. Measures
// the effect on the good ones and the memory, and checks that the gateway survives. The attack:
// deep, wide, aliased, circular and huge documents (bench/hostile/documents.ts), bodies and headers
// sent at a byte a second, and responses that nobody reads; each caller has a token.
// npm run bench -- hostile [--requests 10000] [--per-second 250] [--sockets 100] [--callers 3]
// [--unlimited] [--kinds]
// --unlimited turns the rate limit of callers off, so that every request is examined; --kinds
// prints the responses to each kind. As a soak of half an hour: --requests 450000 --per-second 250.

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    'per-second': { type: 'string', default: '250' },
    sockets: { type: 'string', default: '100' },
    callers: { type: 'string', default: '3' },
    companies: { type: 'string', default: '500' },
    quiet: { type: 'string', default: '20' },
    connections: { type: 'string', default: '20' },
    unlimited: { type: 'boolean', default: false },
    kinds: { type: 'boolean', default: false },
  },
})
// The first token is for the sockets, the others are for the documents.
if (!(Number(values.callers) >= 2)) throw new Error('--callers must be 2 or more')
const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const env = benchEnvironment(
  values.unlimited ? { TOUCHSTONE_CALLER_OPERATIONS_PER_MINUTE_MAX: '10000000' } : undefined,
)
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
  const tokens = await Promise.all(
    Array.from({ length: Number(values.callers) }, (_, n) => token(`mallory-${n}`)),
  )
  // One token per connection, so that each stays under the rate limit of a caller.
  const good = await Promise.all(
    Array.from({ length: Number(values.connections) }, (_, n) => token(`good-${n}`)),
  )
  await measure(url, good, 5_000)
  const before = await measure(url, good, Number(values.quiet) * 1_000)
  print('alone', before)
  const attack: Attack = {
    url,
    tokens,
    requests: Number(values.requests),
    perSecond: Number(values['per-second']),
    sockets: Number(values.sockets),
  }
  const worker = new Worker(new URL('./hostile/attacker.ts', import.meta.url), {
    workerData: attack,
  })
  let counts: ResponseCounts | undefined
  worker.once('message', (m: ResponseCounts) => {
    counts = m
  })
  const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  const minutes = setInterval(
    async () => console.log(`  memory ${megabytes()} MB, heap ${await heap(url)} MB`),
    60_000,
  )
  const meanwhile = await measure(url, good, () => counts === undefined)
  clearInterval(minutes)
  await ended
  print('meanwhile', meanwhile)
  const after = await measure(url, good, Number(values.quiet) * 1_000)
  print('afterwards', after)
  const sums = new Map<string, number>()
  for (const [what, count] of Object.entries(counts ?? {})) {
    if (values.kinds) console.log(`  ${String(count).padStart(6)} ${what}`)
    const response = what.slice(what.lastIndexOf(': ') + 2)
    sums.set(response, (sums.get(response) ?? 0) + count)
  }
  console.log(`responses: ${[...sums].map(([what, count]) => `${count} ${what}`).join(', ')}`)
  console.log(
    `p99 of the good callers ${(meanwhile.p99 / before.p99).toFixed(2)} times that alone (target <= 2), ${meanwhile.failed} of ${meanwhile.count} failed (0); ` +
      `memory at most ${meanwhile.megabytesMax} MB, ${after.megabytes} MB afterwards, ${before.megabytes} MB before`,
  )
  if (meanwhile.failed > 0 || start.exitCode !== null) process.exitCode = 1
} finally {
  start.kill('SIGTERM')
  await new Promise((resolve) =>
    start.exitCode === null ? start.once('exit', resolve) : resolve(null),
  )
  rmSync(dir, { recursive: true, force: true })
}

interface Measured {
  count: number
  failed: number
  p50: number
  p99: number
  /** Resident memory of the server's process at the end, and its maximum. */
  megabytes: number
  megabytesMax: number
  /** Heap of its main thread at the end, garbage included; part of `megabytes`. */
  heap: number
}

/** Sends requests over several connections, each one as soon as the last is answered. */
async function measure(
  url: string,
  tokens: string[],
  until: number | (() => boolean),
): Promise<Measured> {
  const began = performance.now()
  const goesOn = typeof until === 'number' ? () => performance.now() - began < until : until
  const took: number[] = []
  let [failed, megabytesMax] = [0, 0]
  const watch = setInterval(() => {
    megabytesMax = Math.max(megabytesMax, megabytes())
  }, 500)
  await Promise.all(
    Array.from({ length: Number(values.connections) }, async (_, n) => {
      while (goesOn()) {
        const ms = await ask(url, tokens[n % tokens.length] ?? '')
        if (ms === null) failed++
        else took.push(ms)
      }
    }),
  )
  clearInterval(watch)
  took.sort((a, b) => a - b)
  const at = (part: number) => took[Math.floor(took.length * part)] ?? 0
  return {
    count: took.length + failed,
    failed,
    p50: at(0.5),
    p99: at(0.99),
    megabytes: megabytes(),
    megabytesMax,
    heap: await heap(url),
  }
}

async function ask(url: string, token: string): Promise<number | null> {
  const began = performance.now()
  try {
    const res = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        query:
          'query Page($first: Int) { customers(first: $first) { nodes { id name contracts(first: 5) { nodes { id number } } } } }',
        variables: { first: 5 + Math.floor(Math.random() * 10) },
      }),
    })
    const { errors } = (await res.json()) as { errors?: unknown }
    return res.ok && !errors ? performance.now() - began : null
  } catch {
    return null
  }
}

function print(when: string, m: Measured): void {
  const ms = (x: number) => `${x.toFixed(1)} ms`
  console.log(
    `${when.padEnd(11)}${m.count} asked, ${m.failed} failed, p50 ${ms(m.p50)}, p99 ${ms(m.p99)}, memory ${m.megabytes} MB, at most ${m.megabytesMax} MB, heap ${m.heap} MB`,
  )
}

async function heap(url: string): Promise<number> {
  const text = await (
    await fetch(new URL('/metrics', url), {
      headers: { authorization: `Bearer ${readDevelopmentSecret(dir)}` },
    })
  ).text()
  return Math.round(Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(text)?.[1]) / 2 ** 20)
}

function megabytes(): number {
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${start.pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(resident) / 1_024)
}

async function token(actor: string): Promise<string> {
  const child = spawn(
    process.execPath,
    [main, 'token', '--role', 'reader', '--actor', actor, '--data-dir', dir],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  await new Promise((resolve) => child.once('exit', resolve))
  return text.trim()
}
