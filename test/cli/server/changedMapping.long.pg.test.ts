import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { openInstallation } from '../../../cli/config/installation.ts'
import { readPolicyFiles, resolutionContextOf } from '../../../cli/config/policyFiles.ts'
import { startIngestRole } from '../../../cli/server/ingestRole.ts'
import { accept } from '../../../mdm/inbox/accept.ts'
import { policyVersionOf } from '../../../mdm/policy/policies.ts'
import { publish } from '../../../mdm/policy/publish.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-mapping-'))
const sources = join(dir, 'sources.yaml')
let db: TestDatabase
before(async () => {
  db = await testDatabase()
  const source =
    '{ name: shop, kind: generic, role: CRM, trust: 0.5, mapping: shop.yaml, codes: codes.yaml }'
  writeFileSync(sources, `sources:\n  - ${source}\n`)
  writeFileSync(
    join(dir, 'shop.yaml'),
    `objects:
  customers: { as: Customer, id: id, version: changed, fields: { name: name, paymentTerms: { from: terms, codes: terms } } }
`,
  )
})
after(async () => {
  await db?.drop()
  rmSync(dir, { recursive: true, force: true })
})

/** Runs ingest workers with these codes until the golden records and open tasks are as expected. */
async function ingest(
  codes: string,
  expected: [string, string | null][],
  open: number,
): Promise<void> {
  writeFileSync(join(dir, 'codes.yaml'), `terms: ${codes}\n`)
  const role = startIngestRole({
    config: { workers: 1, batchRowsMax: 100, attemptsMax: 1 },
    sources,
    databaseUrl: db.url,
    logLevel: 'silent',
    log: pino({ level: 'silent' }),
  })
  const state = async () => {
    const golden = await db.sql<{ name: string; terms: string | null }[]>`
      select values ->> 'name' as name, values ->> 'paymentTerms' as terms from golden order by 1`
    const tasks = await db.sql`select 1 from task where state = 'OPEN' and kind = 'VALIDATION'`
    return JSON.stringify([golden.map((g) => [g.name, g.terms]), tasks.length])
  }
  // The test's own timeout ends this loop.
  while ((await state()) !== JSON.stringify([expected, open])) await sleep(20)
  await role.close()
}

test('workers apply a changed code list to stored records when they start, and close tasks of mapped codes', async () => {
  writeFileSync(join(dir, 'codes.yaml'), 'terms: {}\n')
  const shop = openInstallation(sources).connectors.get('shop')
  assert.ok(shop)
  const rows = [
    { id: '1', name: 'Blue Fen', terms: '14T', changed: '2026-01-01' },
    { id: '2', name: 'Casa Lupo', terms: '30T', changed: '2026-01-01' },
  ]
  const messages = rows.flatMap((r) => shop.split(JSON.stringify(r), 'customers', null))
  await accept(
    db.sql,
    messages.map((m) => ({ ...m, source: 'shop', correlationId: crypto.randomUUID() })),
  )
  const now = (...terms: (string | null)[]) =>
    ['Blue Fen', 'Casa Lupo'].map((name, i): [string, string | null] => [name, terms[i] ?? null])
  await ingest('{ 30T: Net 30 }', now(null, 'Net 30'), 1)
  await ingest('{ 30T: Net 30, 14T: Net 14 }', now('Net 14', 'Net 30'), 0)
  await ingest('{ 30T: NET30 }', now(null, 'NET30'), 1)
  const causes =
    await db.sql`select distinct cause ->> 'source' as source from change where version > 1`
  assert.deepEqual([...causes], [{ source: 'remap' }])
})

test('a mapping that fills a field of a later policy holds its source alone until that policy is published', async () => {
  const text = `objects:
  customers: { as: Customer, id: id, version: changed, fields: { name: name, tier: tier } }
`
  writeFileSync(join(dir, 'shop.yaml'), text)
  writeFileSync(join(dir, 'codes.yaml'), 'terms: {}\n')
  const role = startIngestRole({
    config: { workers: 1, batchRowsMax: 100, attemptsMax: 1 },
    sources,
    databaseUrl: db.url,
    logLevel: 'silent',
    log: pino({ level: 'silent' }),
  })
  const installation = openInstallation(sources)
  const shop = installation.connectors.get('shop')
  assert.match(shop?.held ?? '', /shop\.yaml:2: unknown field "tier" of Customer/)
  const row = { id: '3', name: 'Nordwind', tier: 'gold', changed: '2026-01-01' }
  const messages = shop?.split(JSON.stringify(row), 'customers', null) ?? []
  await accept(
    db.sql,
    messages.map((m) => ({ ...m, source: 'shop', correlationId: crypto.randomUUID() })),
  )
  const held = () =>
    db.sql<
      { code: string; detail: string }[]
    >`select code, detail from outcome where outcome = 'EXCEPTION'`
  // The test's own timeout ends these loops.
  while ((await held()).length === 0) await sleep(20)
  assert.match((await held())[0]?.detail ?? '', /shop is held .*shop\.yaml:2/)

  const model = readPolicyFiles('schema/model').model
  const wider = Object.fromEntries(
    Object.entries(model).map(([name, sdl]) => [
      name,
      sdl.replace(/^type Customer [^{]*\{/m, (head) => `${head}\n  "Tier."\n  tier: String\n`),
    ]),
  )
  const stored = { version: policyVersionOf(wider, {}), model: wider, parameters: {} }
  const context = resolutionContextOf(stored, installation.systems)
  await publish(db.sql, stored, context, { actor: 'pia', reason: 'test' })
  const tier = async () =>
    (
      await db.sql`select values ->> 'tier' as tier from golden where values ->> 'name' = 'Nordwind'`
    )[0]?.tier
  while ((await tier()) !== 'gold') await sleep(20)
  assert.deepEqual([...(await held())], [])
  await role.close()
})
