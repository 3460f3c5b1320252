import type { Sql, Transaction } from './database.ts'

const statementMsMax = 2_000

/**
 * Runs `read` in one short read-only transaction whose statements time out early: for metrics,
 * which are read often.
 */
export async function readOnlyTransaction<T>(
  sql: Sql,
  read: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return (await sql.begin('read only', async (tx) => {
    await tx.unsafe(`set local statement_timeout = ${statementMsMax}`)
    return await read(tx)
  })) as T
}
