import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { packagePath } from '../cli/config/packagePath.ts'
import type { Sql } from '../mdm/db/database.ts'
import { benchServer, fill } from './shared/benchServer.ts'

// Ingest, from messages in the inbox to committed golden records and events, on an embedded
// Postgres with fsync. The limit beside it: bare multi-row inserts write the same rows to the same
// tables in the same run.
// npm run bench -- ingest [--workers 1] [--rows 1000] [10000 100000 500000]
// With --pairs N, instead: N pairs of runs, one with events of operational objects and one without,
// compared by rate and by processor time, of which the second does not depend on other load.
// Figures and their history: bench/README.md.

const arguments_ = process.argv.slice(2)
const option = (name: string, value: number) => {
  const at = arguments_.indexOf(`--${name}`)
  return at < 0 ? value : Number(arguments_.splice(at, 2)[1])
}
const workers = option('workers', 1)
const rowsMax = option('rows', 1_000)
const pairs = option('pairs', 0)
const sizes = arguments_.length > 0 ? arguments_.map(Number) : [10_000, 100_000]

const server = await benchServer()
const rates: number[] = []
try {
  for (const size of sizes) await (pairs > 0 ? compare(size) : run(size))
  const [first, last] = [rates[0] ?? 0, rates.at(-1) ?? 1]
  if (sizes.length > 1 && pairs === 0)
    console.log(
      `cost per message at ${sizes.at(-1)} is ${(first / last).toFixed(2)} times that at ${sizes[0]} (target <= 1.3)`,
    )
} finally {
  await server.stop()
}

/** Prints what events of operational objects cost: the target is 0.9 of the rate without. */
async function compare(size: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'touchstone-bench-sources-'))
  const shipped = packagePath('config/sources.yaml')
  const without = join(folder, 'sources.yaml')
  writeFileSync(
    without,
    readFileSync(shipped, 'utf8')
      .replace(
        /^( +)mapping: (.*)$/gm,
        (_, indent, file) => `${indent}mapping: ${resolve(shipped, '..', file)}`,
      )
      .replace(/^( +)trust: .*$/gm, '$&\n$1events: none'),
  )
  const ratios: { rate: number; cpu: number }[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const results = new Map<boolean, { rate: number; cpu: number }>()
    // Alternating, so that neither is always the one on the warmer or fuller machine.
    for (const events of pair % 2 === 0 ? [true, false] : [false, true]) {
      const sql = await server.database('ingest')
      const [own, theirs] = [process.cpuUsage(), server.cpuSeconds()]
      const filled = await fill(sql, server.url('ingest'), size, {
        workers,
        rowsMax,
        sources: events ? shipped : without,
      })
      const { user, system } = process.cpuUsage(own)
      const cpu = (user + system) / 1e6 + server.cpuSeconds() - theirs
      const rate = filled.messages / filled.applySeconds
      results.set(events, { rate, cpu })
      const [{ position = 0 } = {}] = await sql<
        { position: number }[]
      >`select position from feed_head`
      console.log(
        `${events ? 'with   ' : 'without'}: applied ${round(rate)}/s, ${cpu.toFixed(1)} s of processor time, ${round(position)} events`,
      )
      await server.drop(sql, 'ingest')
    }
    const [a, b] = [results.get(true), results.get(false)]
    if (a && b) ratios.push({ rate: a.rate / b.rate, cpu: b.cpu / a.cpu })
  }
  rmSync(folder, { recursive: true })
  const median = (values: number[]) => values.sort((x, y) => x - y)[values.length >> 1] ?? 0
  console.log(
    `${size} messages, ${pairs} pairs: the rate with events is ${median(ratios.map((r) => r.rate)).toFixed(3)} of that without ` +
      `(target >= 0.9), by processor time ${median(ratios.map((r) => r.cpu)).toFixed(3)}`,
  )
}

async function run(size: number): Promise<void> {
  const sql = await server.database('ingest')
  const { messages, warmUp, acceptSeconds, applySeconds } = await fill(
    sql,
    server.url('ingest'),
    size,
    {
      workers,
      rowsMax,
    },
  )
  const rate = messages / applySeconds
  rates.push(rate)
  const [count] = await sql<{ golden: number; events: number }[]>`
    select (select count(*)::int from golden where state = 'ACTIVE') as golden,
      (select position from feed_head) as events`
  const limit = await bareInserts(sql, messages / (messages + warmUp))
  console.log(
    `${messages} messages: accepted ${round(messages / acceptSeconds)}/s; applied ${round(rate)}/s (target >= 2,000) with ${workers} workers, ` +
      `${count?.golden} golden records, ${count?.events} events; ` +
      `bare inserts of the same rows ${round(messages / limit)} messages/s, so ${(applySeconds / limit).toFixed(1)} times the limit's time`,
  )
  await server.drop(sql, 'ingest')
}

/**
 * Returns the seconds needed to write `share` of the rows of all tables again, 500 per statement.
 */
async function bareInserts(from: Sql, share: number): Promise<number> {
  const to = await server.database('bare')
  await to.unsafe('delete from feed_head')
  let seconds = 0
  const tables = [
    'inbox',
    'outcome',
    'source_record',
    'match_key',
    'link',
    'record_reference',
    'golden',
    'change',
    'opportunity',
    'subscription',
    'invoice',
    'payment',
    'posting',
  ]
  for (const table of tables) {
    const columns = (
      await from<
        { name: string }[]
      >`select attname as name from pg_attribute where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`
    ).map((c) => `"${c.name}"`)
    // Copied as text, so that neither side spends time on parsing values.
    const list = columns.map((c) => `${c}::text`).join(', ')
    const types = await from<
      { type: string }[]
    >`select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`
    const insert = `insert into ${table} (${columns.join(', ')}) overriding system value select ${columns.map((_, i) => `c${i}::${types[i]?.type}`).join(', ')} from unnest(${columns.map((_, i) => `$${i + 1}::text[]`).join(', ')}) as r (${columns.map((_, i) => `c${i}`).join(', ')})`
    for await (const rows of from.unsafe(`select ${list} from ${table}`).values().cursor(500)) {
      const parameters = columns.map((_, i) => rows.map((r) => (r as (string | null)[])[i] ?? null))
      const began = performance.now()
      await to.unsafe(insert, parameters, { prepare: true })
      seconds += (performance.now() - began) / 1_000
    }
  }
  await server.drop(to, 'bare')
  return seconds * share
}

function round(n: number): string {
  return Math.round(n).toLocaleString('en')
}
