import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'

// `npm run generate:migration NAME`: writes the DDL between the tables of the last generated
// migration and schema/tables.

/** Tables, columns, constraints and indexes, in drizzle-kit's form. */
export type Snapshot = ReturnType<typeof generateDrizzleJson>

const NO_ID = '00000000-0000-0000-0000-000000000000'
const tablesFolder = new URL('../schema/tables/', import.meta.url)

/**
 * Returns the snapshot of schema/tables. Its ids are constant: branches that both generate must not
 * conflict in them.
 */
export async function snapshotTables(): Promise<Snapshot> {
  const tables: Record<string, unknown> = {}
  for (const file of readdirSync(tablesFolder).sort())
    Object.assign(tables, await import(new URL(file, tablesFolder).href))
  return { ...generateDrizzleJson(tables), id: NO_ID, prevId: NO_ID }
}

/** Returns the statements that create everything in a snapshot. */
export async function creationStatements(snapshot: Snapshot): Promise<string[]> {
  return await generateMigration({ ...generateDrizzleJson({}), id: NO_ID }, snapshot)
}

export function readSnapshot(folder: string): Snapshot {
  return JSON.parse(readFileSync(join(folder, 'snapshot.json'), 'utf8'))
}

/**
 * Writes the next migration and the new snapshot, and returns the migration's path; null if the
 * tables have not changed. drizzle-kit asks on the terminal whether a column was renamed or
 * replaced.
 */
export async function writeMigration(
  folder: string,
  name: string,
  tables: Snapshot,
): Promise<string | null> {
  const statements = await generateMigration(readSnapshot(folder), tables)
  if (statements.length === 0) return null
  const last = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .at(-1)
  const number = String(Number(last?.slice(0, 4) ?? 0) + 1).padStart(4, '0')
  const path = join(folder, `${number}_${name}.sql`)
  writeFileSync(
    path,
    `${statements.map((statement) => statement.replaceAll('\t', '  ')).join('\n\n')}\n`,
    {
      flag: 'wx',
    },
  )
  writeFileSync(join(folder, 'snapshot.json'), `${JSON.stringify(tables, null, 1)}\n`)
  return path
}

if (import.meta.main) {
  const [name = ''] = process.argv.slice(2)
  if (!/^[a-z][a-z0-9_]*$/.test(name)) {
    console.error('Usage: npm run generate:migration NAME, for example add_task_priority')
    process.exit(1)
  }
  const path = await writeMigration(
    fileURLToPath(new URL('../migrations', import.meta.url)),
    name,
    await snapshotTables(),
  )
  console.log(
    path ? `${path}: read it, say why in a comment at its top` : 'schema/tables has not changed',
  )
}
