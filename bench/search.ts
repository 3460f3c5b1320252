import { createHash } from 'node:crypto'
import { type ExecutionResult, execute, parse } from 'graphql'
import { openInstallation } from '../cli/config/installation.ts'
import type { Sql } from '../mdm/db/database.ts'
import { fillSearch } from '../mdm/search/fillSearch.ts'
import { createSearchSubgraph } from '../subgraphs/search/subgraph.ts'
import { unbound } from '../subgraphs/shared/context.ts'
import { benchServer, fill } from './shared/benchServer.ts'

// Search over a store of about N messages that went through the whole path: for random stored golden
// records the text of a person who looks for them, in each of the ways in which people do. Prints the
// times, and how often the record is among the first ten hits.
// npm run bench -- search [100000] [--samples 200] [--store DIR] [--copies 1]
// With --copies K, each golden record and its source records are stored K times, with words of other
// records in its texts and other numbers: a large store in minutes, whose vocabulary is real and whose
// matching is not. Figures: bench/README.md.

const arguments_ = process.argv.slice(2)
const option = (name: string) => {
  const at = arguments_.indexOf(`--${name}`)
  return at < 0 ? undefined : arguments_.splice(at, 2)[1]
}
const samples = Number(option('samples') ?? 200)
const copies = Number(option('copies') ?? 1)
const store = option('store')
const size = Number(arguments_[0] ?? 100_000)

interface Stored {
  id: string
  type: string
  values: Record<string, unknown>
  sourceId: string
}

/** What a person types who looks for a record. Deterministic. */
const WAYS: Record<string, (r: Stored) => string | undefined> = {
  'golden id': (r) => r.id,
  'source id': (r) => r.sourceId,
  'tax number or email': (r) => firstOf(r.values.taxIds) ?? firstOf(r.values.emails),
  name: (r) => nameOf(r),
  'beginning of a name': (r) => nameOf(r).slice(0, 4),
  'half of a name': (r) => nameOf(r).slice(0, Math.ceil(nameOf(r).length / 2)),
  'words, last first': (r) => nameOf(r).split(' ').reverse().join(' '),
  'name with an error': (r) => mistyped(nameOf(r), r.id),
  'name and city': (r) => {
    const city = (r.values.billingAddress as { city?: string } | undefined)?.city
    return city ? `${nameOf(r)} ${city}` : undefined
  },
  'a common word': (r) => nameOf(r).split(' ').at(-1),
  'nothing that there is': (r) => `qx${createHash('md5').update(r.id).digest('hex').slice(0, 8)}`,
}

const nameOf = (r: Stored) => String(r.values.name ?? '')
const firstOf = (list: unknown) => (Array.isArray(list) ? String(list[0]) : undefined)

/** Replaces a letter of the longest word. */
function mistyped(text: string, seed: string): string | undefined {
  const longest = text.split(' ').toSorted((a, b) => b.length - a.length)[0] ?? ''
  if (longest.length < 5) return undefined
  const at = 1 + (Number.parseInt(seed.slice(0, 4), 16) % (longest.length - 2))
  return text.replace(longest, `${longest.slice(0, at)}x${longest.slice(at + 1)}`)
}

const { policy } = openInstallation()
const server = await benchServer(store)
const name = 'search'
try {
  const kept = await server.open(name)
  const sql = kept ?? (await server.database(name))
  if (!kept) {
    await fill(sql, server.url(name), size, { workers: 2, rowsMax: 1_000 })
    await sql`vacuum analyze`
  }
  const [copied] =
    await sql`select from golden where state = 'ACTIVE' and provenance = '{}' limit 1`
  if (copies > 1 && !copied) {
    await copy(sql)
    await sql`vacuum analyze`
  }
  const [counts] = await sql<{ records: number; golden: number; words: number; bytes: string }[]>`
    select (select count(*)::int from source_record where golden_id is not null) as records,
      (select count(*)::int from golden where state = 'ACTIVE') as golden,
      (select count(*)::int from search_word) as words,
      pg_size_pretty(pg_total_relation_size('search_text') + pg_total_relation_size('search_word')) as bytes`
  console.log(
    `${counts?.records} source records, ${counts?.golden} golden records, ${counts?.words} words, ${counts?.bytes}`,
  )
  await measure(sql)
  await sql.end()
} finally {
  await server.stop()
}

async function measure(sql: Sql): Promise<void> {
  const subgraph = createSearchSubgraph({ policy, sqlOf: unbound(sql) })
  const document = parse(
    '{ search(text: $text, first: 10) { nodes { goldenId match score field value } } }'.replace(
      '{ search',
      'query ($text: String!) { search',
    ),
  )
  const stored = await sql<Stored[]>`
    select g.id, g.type, g.values, (select r.source_id from source_record r where r.golden_id = g.id limit 1) as "sourceId"
    from golden g where g.state = 'ACTIVE' and g.type in ('Customer', 'Contact')
    order by md5(g.id::text) limit ${samples}`
  const every: number[] = []
  for (const [way, textOf] of Object.entries(WAYS)) {
    const times: number[] = []
    let [asked, found] = [0, 0]
    for (const r of stored) {
      const text = textOf(r)
      if (!text) continue
      const contextValue = subgraph.context({
        correlationId: 'bench',
        scopes: new Set(['pii:read']),
      })
      const began = performance.now()
      const result = (await execute({
        schema: subgraph.schema,
        document,
        contextValue,
        variableValues: { text },
      })) as ExecutionResult
      times.push(performance.now() - began)
      if (result.errors) throw result.errors[0]
      asked++
      const nodes = (result.data as unknown as { search: { nodes: { goldenId: string }[] } }).search
        .nodes
      if (nodes.some((n) => n.goldenId === r.id)) found++
    }
    every.push(...times)
    if (asked > 0)
      console.log(
        `${way.padEnd(24)} ${quantiles(times)}, found among the first ten ${((found / asked) * 100).toFixed(0)} % of ${asked}`,
      )
  }
  console.log(`${'all'.padEnd(24)} ${quantiles(every)} (target p95 <= 50 ms)`)
}

/**
 * Stores copies of golden and source records by SQL. Words of a text come from the record with the
 * next id, numbers are those of the copy.
 */
async function copy(sql: Sql): Promise<void> {
  const began = performance.now()
  await sql`set statement_timeout = 0`
  for (let n = 1; n < copies; n++) {
    await sql`
      insert into golden (id, type, version, state, values, provenance, policy_version, position, created_at, updated_at)
      select md5(g.id::text || ${n}::text)::uuid, g.type, 1, 'ACTIVE',
        g.values || jsonb_strip_nulls(jsonb_build_object(
          'name', split_part(g.values ->> 'name', ' ', 1) || ' ' || coalesce(substr(o.values ->> 'name', strpos(o.values ->> 'name', ' ') + 1), ''),
          'taxIds', case when g.values ? 'taxIds' then jsonb_build_array('DE' || lpad((hashtext(g.id::text || ${n}::text)::bigint + 2147483648)::text, 10, '0')) end,
          'emails', case when g.values ? 'emails' then jsonb_build_array('k' || ${n}::text || '.' || (g.values -> 'emails' ->> 0)) end)),
        '{}', g.policy_version, g.position, g.created_at, g.updated_at
      from (select *, lead(id, ${n * 7}) over (partition by type order by id) as other from golden where state = 'ACTIVE' and version > 0 and provenance <> '{}') g
      left join golden o on o.id = g.other`
    await sql`
      insert into source_record (key, source, object, source_id, type, version, tie, complete, raw, canonical, golden_id, inbox_id)
      select md5(r.key::text || ${n}::text)::uuid, r.source, r.object, r.source_id || '-' || ${n}::text, r.type, r.version, r.tie, true, '{}', '{}',
        md5(r.golden_id::text || ${n}::text)::uuid, r.inbox_id
      from source_record r where r.golden_id is not null and r.raw::text <> '{}'`
  }
  await sql`update search_fill set layout = '', next = null, complete = false`
  const written = await fillSearch(sql, policy)
  console.log(
    `${written} golden records prepared for search, ${copies} copies, ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
}

function quantiles(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const of = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1)
  return `p50 ${of(0.5)} ms, p95 ${of(0.95)} ms, p99 ${of(0.99)} ms`
}
