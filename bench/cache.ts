import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { readDevelopmentSecret } from '../gateway/identity/developmentSecret.ts'
import { benchEnvironment } from './shared/benchEnvironment.ts'

// The response cache (TOUCHSTONE_CACHE_MEGABYTES_MAX): how many more requests a second it allows,
// and whether any response is staler than 2 s while a source system changes the data.
// npm run bench -- cache [--seconds 20] [--companies 500]

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    companies: { type: 'string', default: '500' },
  },
})
const seconds = Number(values.seconds)
const staleMsMax = 2_000
const list = `query Page($after: String) { customers(first: 10, after: $after, orderBy: [{ field: NAME }]) {
  nodes { id name lifecycle contacts(first: 5) { nodes { id jobTitle } } contracts(first: 5) { nodes { id number } } } pageInfo { endCursor } } }`
const one = 'query One($id: ID!) { customer(id: $id) { id name version } }'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const rates: number[] = []
try {
  for (const megabytes of ['0', '64']) {
    const { url, stop } = await start(megabytes)
    try {
      const cursors = await pages(url)
      const requests = cursors.map((after) => body(list, { after }))
      await autocannon({ url, connections: 50, duration: 3, requests })
      const {
        requests: n,
        latency,
        errors,
        non2xx,
      } = await autocannon({
        url,
        connections: 50,
        duration: Math.min(10, seconds),
        requests,
      })
      if (errors + non2xx > 0) throw new Error('some requests failed')
      rates.push(n.average)
      console.log(
        `cache of ${megabytes} MB: ${n.average.toFixed(0)} requests/s, p50 ${latency.p50} ms, p99 ${latency.p99} ms`,
      )
      if (megabytes !== '0') await check(url)
    } finally {
      await stop()
    }
  }
  console.log(
    `cached responses: ${((rates[1] ?? 0) / (rates[0] ?? 1)).toFixed(1)} times as many (target >= 3)`,
  )
} finally {
  rmSync(dir, { recursive: true, force: true })
}

/**
 * Reads and writes at the same time. Each response is compared with the version that a subscription
 * had seen `staleMsMax` before the request.
 */
async function check(url: string): Promise<void> {
  const id = await written(url)
  const until = performance.now() + seconds * 1_000
  /** Versions and when a subscription, which is never cached, received them. */
  const known: { at: number; version: number }[] = []
  const abort = new AbortController()
  const following = follow(url, id, abort.signal, (version) =>
    known.push({ at: performance.now(), version }),
  )
  let [reads, stale, writes, last] = [0, 0, 0, 0]
  const readers = Array.from({ length: 8 }, async () => {
    while (performance.now() < until) {
      const began = performance.now()
      const { customer } = await ask<{ customer: { version: number } }>(url, one, { id })
      const must = known.findLast((k) => k.at <= began - staleMsMax)?.version ?? 0
      if (customer.version < must) stale++
      last = Math.max(last, customer.version)
      reads++
    }
  })
  const writer = (async () => {
    while (performance.now() < until) {
      await send(url, `Nordwind ${++writes} GmbH`)
      await sleep(100)
    }
  })()
  await Promise.all([...readers, writer])
  abort.abort()
  await following
  console.log(
    `checked ${reads} responses under ${writes} writes, ${known.length} of them seen, up to version ${last}: ${stale} stale (target 0)`,
  )
  if (stale > 0 || known.length === 0) process.exitCode = 1
}

async function follow(
  url: string,
  id: string,
  signal: AbortSignal,
  seen: (version: number) => void,
): Promise<void> {
  const query = `subscription { changes(ids: ["${id}"]) { ... on Change { version } } }`
  try {
    const headers = { ...jsonHeaders(), accept: 'text/event-stream' }
    const res = await fetch(url, {
      method: 'POST',
      signal,
      headers,
      body: JSON.stringify({ query }),
    })
    let text = ''
    for await (const chunk of res.body ?? []) {
      text += Buffer.from(chunk).toString()
      for (const [, version] of text.matchAll(/"version":(\d+)/g)) seen(Number(version))
      text = text.slice(text.lastIndexOf('\n\n') + 1)
    }
  } catch (e) {
    if (!signal.aborted) throw e
  }
}

/** Delivers an event as Stripe does, signed with the demo's secret. */
async function send(url: string, name: string): Promise<void> {
  const created = Math.floor(Date.now() / 1_000)
  const object = {
    id: 'cus_bench',
    object: 'customer',
    name,
    email: 'billing@bench.example',
    currency: 'eur',
  }
  const id = `evt_${Date.now()}${name.replace(/\W/g, '')}`
  const text = JSON.stringify({
    id,
    object: 'event',
    type: 'customer.updated',
    created,
    data: { object },
  })
  const signature = createHmac('sha256', 'whsec_development_stripe')
    .update(`${created}.${text}`)
    .digest('hex')
  const headers = {
    ...jsonHeaders(),
    'stripe-signature': `t=${created},v1=${signature}`,
  }
  const res = await fetch(new URL('/ingest/stripe', url), { method: 'POST', headers, body: text })
  if (!res.ok) throw new Error(`a delivery got the response ${res.status}: ${await res.text()}`)
}

async function written(url: string): Promise<string> {
  await send(url, 'Nordwind 0 GmbH')
  for (;;) {
    const query =
      'query ($name: String!) { customers(first: 1, filter: { name: { eq: $name } }) { nodes { id } } }'
    const { customers } = await ask<{ customers: { nodes: { id: string }[] } }>(url, query, {
      name: 'Nordwind 0 GmbH',
    })
    if (customers.nodes[0]) return customers.nodes[0].id
    await sleep(50)
  }
}

async function ask<T>(url: string, query: string, variables: object): Promise<T> {
  const res = await fetch(url, body(query, variables))
  const { data, errors } = (await res.json()) as { data: T; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

function jsonHeaders() {
  return {
    'content-type': 'application/json',
    authorization: `Bearer ${readDevelopmentSecret(dir)}`,
  }
}

function body(query: string, variables: object) {
  return {
    method: 'POST' as const,
    path: '/graphql',
    headers: jsonHeaders(),
    body: JSON.stringify({ query, variables }),
  }
}

async function pages(url: string): Promise<(string | null)[]> {
  const cursors: (string | null)[] = [null]
  while (cursors.length < 40) {
    const { customers } = await ask<{ customers: { pageInfo: { endCursor: string } } }>(url, list, {
      after: cursors.at(-1),
    })
    cursors.push(customers.pageInfo.endCursor)
  }
  return cursors
}

async function start(megabytes: string): Promise<{ url: string; stop(): Promise<void> }> {
  const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
  const flags = [
    '--companies',
    values.companies,
    '--data-dir',
    dir,
    '--port',
    '0',
    '--cache-megabytes-max',
    megabytes,
  ]
  const child = spawn(process.execPath, [main, 'start', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: benchEnvironment(),
  })
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += chunk
  })
  while (!printed.includes('Stop with Ctrl-C')) {
    if (child.exitCode !== null) throw new Error(`touchstone start ended:\n${printed}`)
    await sleep(200)
  }
  return {
    url: /GraphQL\s+(http\S+)/.exec(printed)?.[1] ?? '',
    async stop() {
      child.kill('SIGTERM')
      await new Promise((resolve) => child.once('exit', resolve))
    },
  }
}
