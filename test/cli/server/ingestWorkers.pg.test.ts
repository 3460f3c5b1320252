import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { openInstallation } from '../../../cli/config/installation.ts'
import { startIngestRole } from '../../../cli/server/ingestRole.ts'
import { accept } from '../../../mdm/inbox/accept.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-workers-'))
const sources = join(dir, 'sources.yaml')
let db: TestDatabase
before(async () => {
  db = await testDatabase()
  writeFileSync(
    sources,
    'sources:\n  - { name: shop, kind: generic, role: CRM, trust: 0.5, mapping: shop.yaml }\n',
  )
  writeFileSync(
    join(dir, 'shop.yaml'),
    'objects:\n  customers: { as: Customer, id: id, fields: { name: name } }\n',
  )
})
after(async () => {
  await db?.drop()
  rmSync(dir, { recursive: true, force: true })
})

test('two workers store each batch once, and their counts equal the stored rows even when some messages fail', async () => {
  const shop = openInstallation(sources).connectors.get('shop')
  assert.ok(shop)
  await db.sql.unsafe(`
    create function spoil() returns trigger language plpgsql as $$
      begin if new.source_id like 'bad%' then raise exception 'spoilt'; end if; return new; end $$;
    create trigger spoil before insert on source_record for each row execute function spoil()`)
  const rows = Array.from({ length: 30 }, (_, n) => ({
    id: n % 10 === 0 ? `bad ${n}` : `${n}`,
    name: `Alpha ${n} AG`,
  }))
  const messages = [...rows, { name: 'No id' }].flatMap((r) =>
    shop.split(JSON.stringify(r), 'customers', null),
  )
  await accept(
    db.sql,
    messages.map((m) => ({ ...m, source: 'shop', correlationId: crypto.randomUUID() })),
  )
  const role = startIngestRole({
    config: { workers: 2, batchRowsMax: 20, attemptsMax: 2 },
    sources,
    databaseUrl: db.url,
    logLevel: 'silent',
    log: pino({ level: 'silent' }),
  })
  // The test's own timeout ends this loop.
  while ((await db.sql`select 1 from pending`).length > 0 || role.total.claimed < 31 + 3)
    await sleep(20)
  await role.close()
  assert.deepEqual(role.total, {
    claimed: 31 + 3,
    applied: 27,
    skipped: 0,
    exceptions: 4,
    postponed: 3,
  })
  const stored =
    await db.sql`select code, count(*)::int as count from outcome group by 1 order by 1`
  assert.deepEqual(
    stored.map((o) => [o.code, o.count]),
    [
      ['MISSING_ID', 1],
      ['NOT_APPLICABLE', 3],
    ],
  )
  assert.equal((await db.sql`select 1 from source_record`).length, 27)
  const batches = await db.sql`
    select i.id, count(b.id)::int as batches from inbox i left join batch b on b.messages @> i.id group by 1`
  assert.deepEqual([batches.length, batches.every((b) => b.batches === 1)], [31, true])
})
