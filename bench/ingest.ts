import type { Sql } from '../mdm/db/database.ts'
import { benchServer, fill } from './shared/benchServer.ts'

// Ingest, from messages in the inbox to committed golden records and events, on an embedded
// Postgres with fsync. The limit beside it: bare multi-row inserts write the same rows to the same
// tables in the same run.
// npm run bench -- ingest [--workers 1] [--rows 1000] [10000 100000 500000]
// Figures and their history: bench/README.md.

const arguments_ = process.argv.slice(2)
const option = (name: string, value: number) => {
  const at = arguments_.indexOf(`--${name}`)
  return at < 0 ? value : Number(arguments_.splice(at, 2)[1])
}
const workers = option('workers', 1)
const rowsMax = option('rows', 1_000)
const sizes = arguments_.length > 0 ? arguments_.map(Number) : [10_000, 100_000]

const server = await benchServer()
const rates: number[] = []
try {
  for (const size of sizes) await run(size)
  const [first, last] = [rates[0] ?? 0, rates.at(-1) ?? 1]
  if (sizes.length > 1)
    console.log(
      `cost per message at ${sizes.at(-1)} is ${(first / last).toFixed(2)} times that at ${sizes[0]} (target <= 1.3)`,
    )
} finally {
  await server.stop()
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
