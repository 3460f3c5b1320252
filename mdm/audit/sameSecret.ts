import type { Transaction } from '../db/database.ts'
import { type AuditKey, AuditKeyError } from './auditKeys.ts'
import { isSignedEntry, type PlacedEntry, placedColumns } from './signedEntry.ts'

/** Entries that are compared: one that was tampered with must not stop the next ones. */
const entriesMax = 5
const compared = new WeakSet<AuditKey>()

/**
 * Throws AuditKeyError if the secret of this process is not the one that signed the last entries
 * under this id: two machines with different secrets of one id would break the log. Reads them once
 * for each key of a process.
 */
export async function requireSameSecret(
  tx: Transaction,
  head: { chain: string; id: number },
  key: AuditKey,
): Promise<void> {
  if (compared.has(key)) return
  const rows = await tx<PlacedEntry[]>`
    select ${placedColumns(tx)} from audit a
    where id > ${head.id - entriesMax} and key_id = ${key.id} order by id`
  const isSame = rows.some((entry) => isSignedEntry([key], head.chain, entry))
  if (rows.length > 0 && !isSame)
    throw new AuditKeyError(
      `the key ${key.id} of this process did not sign the last entries of the audit log: its secret is another one than that of the other processes, or these entries were changed (touchstone audit verify)`,
    )
  compared.add(key)
}
