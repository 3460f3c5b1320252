import { findOperation, operationHash } from '../../mdm/access/operations.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { SENT_BY_CONSOLE } from './sentByConsole.generated.ts'

const ofConsole = new Map(SENT_BY_CONSOLE.map((text) => [operationHash(text), text]))

/**
 * Returns the text of a published operation, or null. Those of the console are published by every
 * gateway, which serves its pages too: it works where only published operations are executed.
 */
export async function publishedText(sql: Sql, hash: string): Promise<string | null> {
  return ofConsole.get(hash) ?? (await findOperation(sql, hash))
}
