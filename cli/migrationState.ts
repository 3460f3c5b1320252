import { readdirSync } from 'node:fs'
import type { Sql } from '../mdm/db/database.ts'
import { packagePath } from './config/packagePath.ts'

export interface MigrationState {
  /** Migrations of this version that the database does not have, in their order. */
  missing: string[]
  /** Migrations of the database that this version does not know: a newer version applied them. */
  unknown: string[]
}

/** Returns the names of the migrations of this version, in their order. */
export function knownMigrations(): string[] {
  return readdirSync(packagePath('migrations'))
    .filter((f) => f.endsWith('.sql'))
    .sort()
}

/**
 * Compares the migrations of a database with those of this version. Returns null if the database
 * has no tables of Touchstone.
 */
export async function readMigrationState(
  sql: Sql,
  known: readonly string[],
): Promise<MigrationState | null> {
  const [table] = await sql<
    { exists: boolean }[]
  >`select to_regclass('migration') is not null as exists`
  if (!table?.exists) return null
  const rows = await sql<{ name: string }[]>`select name from migration order by name`
  const applied = new Set(rows.map((r) => r.name))
  return {
    missing: known.filter((name) => !applied.has(name)),
    unknown: [...applied].filter((name) => !known.includes(name)),
  }
}
