import type { Sql } from './database.ts'

/**
 * Does what only one in the whole installation does at a time; null, at once, where somebody else is at it. The lock is
 * that of a connection, so it ends with the process that holds it, however that ends. Takes one connection of the pool.
 */
export async function holdAlone<T>(sql: Sql, name: string, work: () => Promise<T>): Promise<T | null> {
  const connection = await sql.reserve()
  try {
    const [got] = await connection<
      { held: boolean }[]
    >`select pg_try_advisory_lock(hashtextextended(${name}, 0)) as held`
    if (!got?.held) return null
    try {
      return await work()
    } finally {
      await connection`select pg_advisory_unlock(hashtextextended(${name}, 0))`
    }
  } finally {
    connection.release()
  }
}
