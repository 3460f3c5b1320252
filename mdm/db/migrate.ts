import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sql } from './database.ts'

/**
 * Applies the migrations of a folder that the database does not have yet, in order of name, in one
 * transaction. Returns their names. Several processes may call it at once: an advisory lock admits
 * one at a time. Throws if an applied migration has changed, because databases that ran the old
 * text would differ from new ones, and if the database has a migration that the folder lacks.
 */
export async function migrate(sql: Sql, dir: string): Promise<string[]> {
  const files = readdirSync(dir)
    .filter((f) => f.endsWith('.sql'))
    .sort()
  return (await sql.begin(async (tx) => {
    // A migration may write every row of a table, and another process waits for it.
    await tx`set local statement_timeout = 0`
    await tx`select pg_advisory_xact_lock(hashtext('touchstone migrations'))`
    await tx`create table if not exists migration (name text primary key, hash text not null, applied_at timestamptz not null default now())`
    const done = new Map(
      (await tx<{ name: string; hash: string }[]>`select name, hash from migration`).map((r) => [
        r.name,
        r.hash,
      ]),
    )
    const applied: string[] = []
    for (const name of files) {
      const text = readFileSync(join(dir, name), 'utf8')
      const hash = createHash('sha256').update(text).digest('hex')
      const landed = done.get(name)
      if (landed === hash) continue
      if (landed)
        throw new Error(
          `migrations/${name} has changed since it was applied: put it back and add a new file`,
        )
      await tx.unsafe(text)
      await tx`insert into migration (name, hash) values (${name}, ${hash})`
      applied.push(name)
    }
    for (const name of done.keys())
      if (!files.includes(name))
        throw new Error(
          `this database has migration ${name}, which this version does not know: use a newer Touchstone`,
        )
    return applied
  })) as string[]
}
