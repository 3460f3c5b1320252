import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { temporaryServer } from '../test/database.ts'
import { demoStore, scoreDemo } from '../test/fixtures/demoStore.ts'
import { benchEnvironment } from './shared/benchEnvironment.ts'

// The demo world against its truth: pairwise precision and recall of each golden type after the
// whole path. With "trained" it scores again after training models on the store and publishing
// them, as an operator would.
// npm run bench -- truth [companies] [seed] [trained]

const world = { companies: Number(process.argv[2] ?? 2_000), seed: Number(process.argv[3] ?? 1) }
const server = await temporaryServer()
const sql = openDatabase(server.url('postgres'), { connectionsMax: 4, name: 'bench' })
await migrate(sql, 'migrations')
await demoStore(sql, world)
console.log(
  `${world.companies} companies, seed ${world.seed} (target for Customer: precision >= 0.99, recall >= 0.95)`,
)
await score('the shipped model')
if (process.argv[4] === 'trained') {
  const printed = touchstone('train', '--out', join(tmpdir(), 'touchstone-models'))
  const versions = [...printed.matchAll(/model ([0-9a-f]{16})/g)].map((m) => m[1] ?? '')
  console.log(touchstone('publish', '--model', ...versions).trim())
  await score('trained models')
}
await sql.end()
await server.stop()

async function score(model: string): Promise<void> {
  for (const [type, s] of await scoreDemo(sql, world))
    if (s.truePairs > 0)
      console.log(
        `${model}, ${type}: precision ${s.precision.toFixed(4)}, recall ${s.recall.toFixed(4)} over ${s.truePairs} true pairs of ${s.records} records`,
      )
}

function touchstone(...args: string[]): string {
  const began = performance.now()
  const env = benchEnvironment({ DATABASE_URL: server.url('postgres') })
  const { stdout, stderr, status } = spawnSync(process.execPath, ['cli/main.ts', ...args], {
    env,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`touchstone ${args.join(' ')}: ${stderr}`)
  console.log(`touchstone ${args[0]}: ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return `${stdout}${stderr}`
}
