import type { Sql, Transaction } from './database.ts'

/** How long one statement of a glance may run. */
const statementMsMax = 2_000

/** Reads in one short transaction that changes nothing and gives up early: for figures that are taken again and again. */
export async function glance<T>(sql: Sql, read: (tx: Transaction) => Promise<T>): Promise<T> {
  return (await sql.begin('read only', async (tx) => {
    await tx.unsafe(`set local statement_timeout = ${statementMsMax}`)
    return await read(tx)
  })) as T
}
