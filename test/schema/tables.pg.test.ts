import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { getTableConfig } from 'drizzle-orm/pg-core'
import {
  creationStatements,
  readSnapshot,
  snapshotTables,
  writeMigration,
} from '../../bin/generateMigration.ts'
import type { Sql } from '../../mdm/db/database.ts'
import {
  columnOf,
  fieldsOf,
  OPERATIONAL_TYPES,
  ownerOf,
  tableOf,
} from '../../schema/operational.ts'
import * as operational from '../../schema/tables/operational.ts'
import { type TestDatabase, testDatabase } from '../database.ts'

const migrations = fileURLToPath(new URL('../../migrations', import.meta.url))

let migrated: TestDatabase
let made: TestDatabase
before(async () => {
  migrated = await testDatabase()
  made = await testDatabase({ empty: true })
})
after(async () => {
  await migrated?.drop()
  await made?.drop()
})

/**
 * Returns columns, constraints and indexes as Postgres prints them. Storage options, views,
 * functions and triggers are left to SQL.
 */
async function catalog(sql: Sql): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
      case a.attidentity when 'a' then 'identity' when 'd' then 'identity by default' end,
      case when a.attgenerated = 's' then 'generated' when d.oid is not null then 'default' end,
      pg_get_expr(d.adbin, d.adrelid)) as line
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'migration'
    union all
    select concat_ws(' ', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) from pg_constraint c
    where c.connamespace = 'public'::regnamespace and c.contype <> 'n' and c.conrelid <> 'migration'::regclass
    union all
    select indexdef from pg_indexes where schemaname = 'public' and tablename <> 'migration'`
  return rows.map((row) => row.line).sort()
}

test('schema/tables makes the database that the migrations make', async () => {
  await made.sql`create table migration ()`
  await made.sql`create collation by_name (provider = icu, locale = 'und')`
  await made.sql`create extension pg_trgm`
  for (const statement of await creationStatements(await snapshotTables()))
    await made.sql.unsafe(statement)
  const found = await catalog(migrated.sql)
  assert.ok(found.length > 500, `${found.length} columns, constraints and indexes`)
  assert.deepEqual(await catalog(made.sql), found)
})

test('migrations/snapshot.json is schema/tables: after a change, run npm run generate:migration NAME', async () => {
  assert.deepEqual(readSnapshot(migrations), JSON.parse(JSON.stringify(await snapshotTables())))
})

test('a column that is added to schema/tables becomes the next migration', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
  t.after(() => rmSync(folder, { recursive: true }))
  copyFileSync(join(migrations, '0001_foundation.sql'), join(folder, '0001_foundation.sql'))
  const before = readSnapshot(migrations)
  const columns = before.tables['public.sink']?.columns
  assert.ok(columns?.missed)
  delete columns.missed
  writeFileSync(join(folder, 'snapshot.json'), JSON.stringify(before))

  const path = await writeMigration(folder, 'sink_missed', await snapshotTables())
  assert.equal(basename(path ?? ''), '0002_sink_missed.sql')
  assert.equal(
    readFileSync(path ?? '', 'utf8'),
    'ALTER TABLE "sink" ADD COLUMN "missed" bigint DEFAULT 0 NOT NULL;\n',
  )
  assert.equal(await writeMigration(folder, 'nothing', await snapshotTables()), null)
})

test('an operational type has its table, with a column for each field of its canonical form, and an owner', () => {
  const tables = Object.values(operational).map((t) => getTableConfig(t))
  assert.equal(tables.length, OPERATIONAL_TYPES.length)
  for (const type of OPERATIONAL_TYPES) {
    const table = tables.find((t) => t.name === tableOf(type))
    assert.ok(table, type)
    assert.deepEqual(
      table.columns.map((c) => c.name).sort(),
      [
        ...fieldsOf(type).map(([name, kind]) => columnOf(name, kind)),
        'record_id',
        'deleted',
      ].sort(),
    )
    assert.ok(fieldsOf(type).some(([name, kind]) => name === ownerOf(type) && kind === 'REFERENCE'))
  }
})
