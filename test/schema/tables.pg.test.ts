import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { columnOf, OPERATIONAL, type OperationalKind } from '../../schema/operational.ts'
import * as operational from '../../schema/tables/operational.ts'
import { type TestDatabase, testDatabase } from '../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const folder = new URL('../../schema/tables/', import.meta.url)

async function declared(): Promise<PgTable[]> {
  const tables: PgTable[] = []
  for (const file of readdirSync(folder)) {
    const exported: Record<string, unknown> = await import(new URL(file, folder).href)
    for (const value of Object.values(exported)) if (is(value, PgTable)) tables.push(value)
  }
  return tables
}

test('the tables of schema/tables are those of the migrations: names, columns, types, what may be missing, keys', async () => {
  const found = await db.sql<{ table: string; column: string; type: string; required: boolean; primary: boolean }[]>`
    select c.relname as table, a.attname as column, format_type(a.atttypid, null) as type, a.attnotnull as required,
      coalesce(a.attnum = any(k.conkey), false) as primary
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'migration'`
  const inDatabase = found.map((f) => describe(f.table, f.column, f.type, f.required, f.primary)).sort()
  const inCode = (await declared())
    .flatMap((table) => {
      const { name, columns, primaryKeys } = getTableConfig(table)
      const keys = new Set(primaryKeys.flatMap((k) => k.columns.map((c) => c.name)))
      return columns.map((c) =>
        describe(name, c.name, c.getSQLType(), c.notNull || keys.has(c.name), c.primary || keys.has(c.name)),
      )
    })
    .sort()
  assert.deepEqual(inCode, inDatabase)
})

function describe(table: string, column: string, type: string, required: boolean, primary: boolean): string {
  return `${table}.${column} ${type}${required ? ' not null' : ''}${primary ? ' key' : ''}`
}

test('an operational table has a column for each field of its canonical form', () => {
  const tables = Object.values(operational).map((t) => getTableConfig(t))
  for (const [type, fields] of Object.entries(OPERATIONAL)) {
    const table = tables.find((t) => t.name === type.toLowerCase())
    assert.ok(table, type)
    const wanted = Object.entries(fields as Record<string, OperationalKind>).map(([name, kind]) => columnOf(name, kind))
    assert.deepEqual(table.columns.map((c) => c.name).sort(), [...wanted, 'record_id', 'deleted'].sort())
  }
})
