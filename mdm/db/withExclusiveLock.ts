import type { Sql } from './database.ts'

/**
 * Runs `work` under a lock that one process of the installation can hold. Returns null at once if
 * another holds it. The lock belongs to a connection, so it ends with the process however that
 * ends. Takes one connection of the pool.
 */
export async function withExclusiveLock<T>(
  sql: Sql,
  name: string,
  work: () => Promise<T>,
): Promise<T | null> {
  const connection = await sql.reserve()
  try {
    const [row] = await connection<
      { locked: boolean }[]
    >`select pg_try_advisory_lock(hashtextextended(${name}, 0)) as locked`
    if (!row?.locked) return null
    try {
      return await work()
    } finally {
      await connection`select pg_advisory_unlock(hashtextextended(${name}, 0))`
    }
  } finally {
    connection.release()
  }
}
