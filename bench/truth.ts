import { openDatabase } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { temporaryServer } from '../test/database.ts'
import { demoStore, scoreDemo } from '../test/fixtures/demoStore.ts'

// The demo world against its truth: pairwise precision and recall of each golden type after the whole path.
//   node bench/truth.ts [companies] [seed]

const world = { companies: Number(process.argv[2] ?? 2_000), seed: Number(process.argv[3] ?? 1) }
const server = await temporaryServer()
const sql = openDatabase(server.url('postgres'), { connectionsMax: 4, name: 'bench' })
await migrate(sql, 'migrations')
await demoStore(sql, world)
console.log(`${world.companies} companies, seed ${world.seed} (target for Customer: precision >= 0.99, recall >= 0.95)`)
for (const [type, s] of await scoreDemo(sql, world))
  if (s.truePairs > 0)
    console.log(
      `${type}: precision ${s.precision.toFixed(4)}, recall ${s.recall.toFixed(4)} over ${s.truePairs} true pairs of ${s.records} records`,
    )
await sql.end()
await server.stop()
