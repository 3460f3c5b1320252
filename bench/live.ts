import { openInstallation } from '../cli/config/installation.ts'
import { acceptWorld } from '../cli/server/acceptWorld.ts'
import type { Sql } from '../mdm/db/database.ts'
import { loadAssertions } from '../mdm/golden/stored.ts'
import { applyPending, type Pipeline } from '../mdm/ingest/pipeline.ts'
import { findCandidates } from '../mdm/match/candidates.ts'
import type { Engine, Features } from '../mdm/match/engine.ts'
import { loadById, loadFeatures, type SourceRecord } from '../mdm/records/records.ts'
import { keyHash, loadBlocks } from '../mdm/resolution/blockingKeys.ts'
import { lockFreeClosure } from '../mdm/resolution/closure.ts'
import { clusterRecords } from '../mdm/resolution/clusterRecords.ts'
import { createEngines } from '../mdm/resolution/resolve.ts'
import { benchServer, fill } from './shared/benchServer.ts'

// Live matching: one record at a time against a large store. First measures finding the candidates
// and deciding (blocking keys, blocks, features, weights, closure, clusters), for random stored
// records as if they had just arrived. Then measures the whole path of a message, from the queue to
// the commit, for messages of new companies.
// npm run bench -- live [1160000] [--messages 1000] [--store DIR]
// Filling a store of over a million source records takes ten minutes; with --store it is kept in
// DIR and reused. Figures: bench/match.md.

const arguments_ = process.argv.slice(2)
const option = (name: string) => {
  const at = arguments_.indexOf(`--${name}`)
  return at < 0 ? undefined : arguments_.splice(at, 2)[1]
}
const samples = Number(option('messages') ?? 1_000)
const store = option('store')
const size = Number(arguments_[0] ?? 1_160_000)

const { policy, systems, connectors } = openInstallation()
const engines = createEngines(policy)
const server = await benchServer(store)
try {
  let sql = await server.open('live')
  let rate = 'before'
  if (!sql) {
    sql = await server.database('live')
    const filled = await fill(sql, server.url('live'), size, { workers: 2, rowsMax: 1_000 })
    rate = `at ${Math.round(filled.messages / filled.applySeconds)} messages/s`
    await sql`vacuum analyze`
  }
  const [stored] = await sql<{ records: number; mastered: number }[]>`
    select count(*)::int as records, count(*) filter (where golden_id is not null)::int as mastered from source_record`
  console.log(
    `${stored?.records} source records stored, ${stored?.mastered} of golden types, ${rate}`,
  )
  for (const [type, engine] of engines) {
    const records = await sql<SourceRecord[]>`
      select id, key, source, canonical, golden_id as "goldenId", keys, deleted, complete, features from source_record
      where type = ${type} and complete and not deleted and features is not null order by hashint8extended(id, 1) limit ${samples}`
    const times: number[] = []
    let compared = 0
    for (const r of records) {
      const began = performance.now()
      compared += await decide(sql, engine, type, r)
      times.push(performance.now() - began)
    }
    console.log(
      `${type}: candidates and decision ${quantiles(times)} (targets 5 and 25 ms), ${(compared / records.length).toFixed(1)} candidates a record`,
    )
  }
  const pipeline: Pipeline = {
    sql,
    policy,
    engines,
    systems: new Map(systems.map((s) => [s.name, s])),
    connectors,
    attemptsMax: 1,
    onError: (error) => console.error(error),
  }
  await acceptWorld(sql, connectors, { companies: Math.ceil(samples / 10), seed: 3 })
  const times: number[] = []
  for (let n = 0; n < samples; n++) {
    const began = performance.now()
    await applyPending(pipeline, 1)
    times.push(performance.now() - began)
  }
  console.log(
    `one message, from the queue to the durable commit of golden record and event: ${quantiles(times)}`,
  )
  await sql.end()
} finally {
  await server.stop()
}

/**
 * Reads and computes everything that `resolve` needs for one record before it writes. Returns the
 * number of candidates.
 */
async function decide(sql: Sql, engine: Engine, type: string, r: SourceRecord): Promise<number> {
  // As for an arriving record, its weights and keys are computed again.
  const features = r.features as Features
  engine.reweigh(features)
  const keys = [...new Set(engine.keys(features).map((k) => keyHash(type, k)))]
  return (await sql.begin('read only', async (tx) => {
    const blocks = await loadBlocks(tx, keys, engine.blockRecordsMax)
    const found = findCandidates(
      [{ id: r.id, oldKeys: keys, newKeys: keys }],
      blocks,
      new Map(),
      engine.blockRecordsMax,
    )
    const others = [...new Set(found.pairs.flat())].filter((id) => id !== r.id)
    const candidates = await loadFeatures(tx, others)
    const linked = candidates.filter((c) => {
      const weight = c.features && engine.link(features, c.features as Features)
      return typeof weight === 'number' && engine.canJoin(weight)
    })
    const reach = await lockFreeClosure(tx, [r.id, ...linked.map((c) => c.id)], engine.canJoin)
    const records = await loadById(tx, [...reach.placed.keys()])
    const assertions = await loadAssertions(
      tx,
      records.map((x) => x.key),
    )
    clusterRecords(engine, records, reach.links, assertions.pairs)
    return others.length
  })) as number
}

function quantiles(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const of = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1)
  return `p50 ${of(0.5)} ms, p95 ${of(0.95)} ms, p99 ${of(0.99)} ms`
}
