import { openDatabase } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { temporaryServer } from '../test/database.ts'
import { demoStore } from '../test/fixtures/demoStore.ts'
import { graph, queryData } from '../test/subgraphs/world.ts'

// Explanations of a demo world over the gateway, one request at a time.
//   npm run bench -- explain [companies] [requests]

const msMax = 50
const [companies, requests] = [Number(process.argv[2] ?? 1_500), Number(process.argv[3] ?? 300)]
const warmUp = 20

const EXPLAIN = `query ($a: ID!, $b: ID!) { explain(a: $a, b: $b) { verdict because weight pairsCompared assertions { kind actor }
  steps { comparison dimension level m u adjustment weight total valuesA valuesB } } }`
const POSSIBLE = `query ($id: ID!) { possibleMatches(of: $id) { nodes { weight reason record { id } task { id }
  explanation { verdict weight steps { comparison weight total } } } } }`
const STORY = `query ($id: ID!) { clusterStory(id: $id) { members { nodes { id } } links { nodes { a b weight } }
  joins { nodes { a b weight } } refusals { nodes { reason } } assertions { nodes { kind } } history { nodes { op joined left } } } }`

const server = await temporaryServer()
const sql = openDatabase(server.url('postgres'), { connectionsMax: 8, name: 'bench' })
await migrate(sql, 'migrations')
await demoStore(sql, { seed: 1, companies })
await sql`analyze`
const gateway = await graph(sql)

// A fixed order that is independent of the order on disk.
const links = await sql<{ a: string; b: string }[]>`
  select x.key as a, y.key as b from link l join source_record x on x.id = l.a join source_record y on y.id = l.b
  order by md5(x.key::text || y.key::text) limit ${requests}`
const golden = await sql<{ id: string }[]>`
  select id from golden where type = 'Customer' and state = 'ACTIVE' order by md5(id::text) limit ${requests}`
const possible = await sql<{ id: string }[]>`
  select golden_id as id from possible_match p join source_record r on r.key = p.a
  group by golden_id order by count(*) desc, golden_id limit ${requests}`
const pairs = golden.slice(1).map((g, i) => ({ a: g.id, b: golden[i]?.id ?? '' }))

console.log(`${companies} companies, ${links.length} links asked for (limit: p95 <= ${msMax} ms)`)
await measure('explain, two source records', EXPLAIN, links)
await measure('explain, two golden records', EXPLAIN, pairs)
await measure('possibleMatches, each explained', POSSIBLE, possible)
await measure('clusterStory, all of it', STORY, golden)
await gateway.close(0)
await sql.end()
await server.stop()

async function measure(name: string, text: string, variables: readonly object[]): Promise<void> {
  for (const v of variables.slice(0, warmUp)) await queryData(gateway, text, v)
  const took: number[] = []
  for (const v of variables) {
    const began = performance.now()
    await queryData(gateway, text, v)
    took.push(performance.now() - began)
  }
  took.sort((x, y) => x - y)
  const at = (share: number) =>
    (took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0).toFixed(1)
  console.log(
    `${name}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(1)} ms over ${took.length}`,
  )
}
