import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFile } from '../../../connectors/file/rows.ts'
import { openConnectors } from '../../../connectors/openConnectors.ts'
import { settled } from '../../../mdm/inbox/settled.ts'
import { loadFile } from '../../../mdm/ingest/load.ts'
import { applyPending, type Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { createEngines } from '../../../mdm/resolution/resolve.ts'
import { readPolicy } from '../../../schema/readPolicy.ts'
import { samples, samplesConfig } from '../../connectors/samples.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { aboveDatabase } from '../../property.ts'

const all = samples()
const skip = all ? false : 'no ../shared/samples here'
/**
 * Larger files are many rows of one sort. test/e2e/samples.soak.ts loads all of them with the
 * command.
 */
const rowsMax = 1_000

let db: TestDatabase
let pipeline: Pipeline
const connectors = openConnectors(
  samplesConfig,
  readPolicy(fileURLToPath(new URL('../../../schema/model', import.meta.url))),
)

before(async () => {
  if (skip) return
  db = await testDatabase({ connectionsMax: 4 })
  const policy = readPolicy(fileURLToPath(new URL('../../../schema/model', import.meta.url)))
  pipeline = {
    sql: db.sql,
    policy,
    connectors,
    engines: createEngines(policy),
    systems: new Map([...connectors].map(([name, c]) => [name, c.system])),
    attemptsMax: 1,
    onError: (error) => console.error(error),
  }
})
after(async () => {
  if (!skip) await db.drop()
})

async function load(): Promise<Map<string, number>> {
  const totals = new Map<string, number>()
  for (const sample of (all ?? []).filter((s) => s.rows <= rowsMax)) {
    const connector = connectors.get(sample.source)
    assert.ok(connector)
    const correlationId = randomUUID()
    const options = { object: sample.object, correlationId, again: false }
    const file = await openFile(sample.path, sample.file)
    const loaded = await loadFile(db.sql, connector, file, options)
    while ((await applyPending(pipeline, 500)).claimed > 0);
    assert.equal(loaded.rows, sample.rows, sample.name)
    let sum = loaded.duplicates
    if (loaded.firstId !== null && loaded.lastId !== null) {
      const result = await settled(db.sql, {
        correlationId,
        firstId: loaded.firstId,
        lastId: loaded.lastId,
      })
      assert.equal(result.waiting, 0, sample.name)
      assert.ok(
        result.reasons.every((r) => r.code !== 'NOT_APPLICABLE'),
        `${sample.name}: ${JSON.stringify(result.reasons)}`,
      )
      sum += result.applied + result.skipped + result.exceptions
      for (const key of ['applied', 'skipped', 'exceptions'] as const)
        totals.set(key, (totals.get(key) ?? 0) + result[key])
    }
    totals.set('duplicates', (totals.get('duplicates') ?? 0) + loaded.duplicates)
    assert.equal(
      sum,
      sample.rows,
      `${sample.name}: applied + skipped + exceptions + duplicates = rows`,
    )
  }
  return totals
}

test('samples load: applied, skipped and exceptions add up to the rows', { skip }, async (t) => {
  const totals = await load()
  t.diagnostic(JSON.stringify(Object.fromEntries(totals)))
  const [records] = await db.sql<{ n: number }[]>`select count(*)::integer as n from source_record`
  t.diagnostic(`${records?.n} source records`)
  assert.ok((totals.get('applied') ?? 0) > 2_000)
})

test('loading them again changes nothing', { skip: skip || aboveDatabase }, async () => {
  const state = async () => {
    const [row] = await db.sql<{ inbox: number; records: string; feed: number }[]>`
      select (select count(*)::integer from inbox) as inbox, (select position from feed_head) as feed,
        (select md5(string_agg(key::text || version || tie || coalesce(golden_id::text, ''), '' order by key)) from source_record) as records`
    return row
  }
  const before = await state()
  const totals = await load()
  assert.deepEqual(await state(), before)
  assert.equal(totals.get('applied') ?? 0, 0)
  assert.equal(totals.get('exceptions') ?? 0, 0)
})
