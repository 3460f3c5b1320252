import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { idFinder } from '../../connectors/file/rowMessage.ts'
import { openFile } from '../../connectors/file/rows.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { type RunningCommand, touchstone } from '../cli/process.ts'
import { type Sample, samples, samplesConfig } from '../connectors/samples.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { policy } from '../fixtures/store.ts'

/** One command line: files of the same source system and object. */
interface Load {
  /** Source system and object. */
  name: string
  files: number
  args: string[]
  rows: number
}

const found = samples()
const connectors = openConnectors(samplesConfig, policy, {})
const loads = loadsOf(await withIds(found ?? []))
const skip = found ? false : 'no ../shared/samples here'
const atOnce = 2
/** Does not exist: the database is not the embedded one. */
const noData = join(tmpdir(), 'touchstone-none')

let db: TestDatabase
let workers: RunningCommand
before(async () => {
  if (skip) return
  db = await testDatabase({ connectionsMax: 2 })
  workers = touchstone(['serve', '--roles', 'ingest', '--port', '0'], noData, {
    DATABASE_URL: db.url,
    TOUCHSTONE_SOURCES: samplesConfig,
  })
  await workers.says(/"started"/)
})
after(async () => {
  if (skip) return
  workers.child.kill('SIGTERM')
  await workers.ended
  await db.drop()
})

/** Leaves out the CSV files that have no column for the id: the command refuses them. */
async function withIds(from: Sample[]): Promise<Sample[]> {
  const kept: Sample[] = []
  for (const sample of from) {
    const connector = connectors.get(sample.source)
    assert.ok(connector)
    const object = connector.objectName(sample.object)
    try {
      await (await openFile(sample.path, sample.file, idFinder(connector, object))).close()
      kept.push(sample)
    } catch (e) {
      assert.match(String(e), /the header has no column for the id/, sample.name)
    }
  }
  return kept
}

function loadsOf(from: Sample[]): Load[] {
  const groups = Map.groupBy(from, (s) => {
    // Requests and plans that are not records name no object of the mapping; their rows may name
    // theirs.
    const object = connectors.get(s.source)?.objectName(s.object) ?? null
    return JSON.stringify({ source: s.source, object, at: s.file.at ?? null })
  })
  return [...groups].map(([key, files]) => {
    const { source, object, at } = JSON.parse(key) as {
      source: string
      object: string | null
      at: string | null
    }
    const flags = [...(object ? ['--object', object] : []), ...(at ? ['--at', at] : [])]
    return {
      name: `${source} ${object ?? 'without an object'}`,
      files: files.length,
      args: ['load', '--source', source, ...flags, ...files.map((f) => f.path)],
      rows: files.reduce((n, f) => n + f.rows, 0),
    }
  })
}

const COUNTED = ['rows', 'applied', 'skipped', 'exceptions', 'duplicates', 'waiting'] as const
type Counts = Record<(typeof COUNTED)[number], number>

/** Runs the command and reads the counts it prints. */
async function run(load: Load): Promise<Counts> {
  const command = touchstone(load.args, noData, {
    DATABASE_URL: db.url,
    TOUCHSTONE_SOURCES: samplesConfig,
  })
  assert.equal(await command.ended, 0, `${load.name}: ${command.output()}`)
  const counts = Object.fromEntries(
    COUNTED.map((what) => [
      what,
      Number(
        new RegExp(`^ *([\\d,]+) ${what}$`, 'm').exec(command.output())?.[1]?.replaceAll(',', '') ??
          0,
      ),
    ]),
  ) as Counts
  assert.equal(counts.rows, load.rows, `${load.name}: every row was read`)
  assert.equal(counts.waiting, 0, load.name)
  const { applied, skipped, exceptions, duplicates } = counts
  assert.equal(
    applied + skipped + exceptions + duplicates,
    counts.rows,
    `${load.name}: none is lost`,
  )
  return counts
}

async function runAll(): Promise<Map<Load, Counts>> {
  const results = new Map<Load, Counts>()
  const queue = [...loads]
  const next = async () => {
    for (let load = queue.shift(); load; load = queue.shift()) results.set(load, await run(load))
  }
  await Promise.all(Array.from({ length: atOnce }, next))
  return results
}

async function state() {
  const [row] = await db.sql`
    select (select count(*)::int from inbox) as inbox, (select position from feed_head) as head,
      (select md5(string_agg(r::text, '' order by id)) from source_record r) as records,
      (select md5(string_agg(g::text, '' order by id)) from golden g) as golden`
  return row
}

test('samples load with every row applied, skipped, an exception or a duplicate; a second load changes nothing', {
  skip,
}, async (t) => {
  const first = await runAll()
  assert.ok(loads.length > 100, loads.map((l) => l.name).join('\n'))
  t.diagnostic(line('source system and object', ['files', ...COUNTED]))
  const total = Object.fromEntries(COUNTED.map((what) => [what, 0])) as Counts
  for (const load of loads) {
    const counts = first.get(load)
    for (const what of COUNTED) total[what] += counts?.[what] ?? 0
    t.diagnostic(line(load.name, [load.files, ...COUNTED.map((what) => counts?.[what] ?? 0)]))
  }
  t.diagnostic(
    line('all', [loads.reduce((n, l) => n + l.files, 0), ...COUNTED.map((what) => total[what])]),
  )
  assert.ok(total.applied > total.rows / 3)

  const before = await state()
  for (const [load, counts] of await runAll())
    assert.equal(counts.duplicates, counts.rows, `${load.name}, again`)
  assert.deepEqual(await state(), before)
})

function line(name: string, cells: readonly (string | number)[]): string {
  return name.padEnd(44) + cells.map((c) => String(c).padStart(11)).join('')
}
