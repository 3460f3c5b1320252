import { isUuid } from '../../schema/uuid.ts'
import type { Transaction } from '../db/database.ts'
import { lock, lockNumber } from '../db/locks.ts'

/** A source record of a golden record that an action concerns. */
export interface Member {
  /** Increases in the order of first arrival. */
  id: number
  key: string
  type: string
  goldenId: string | null
  complete: boolean
  deleted: boolean
  canonical: Record<string, unknown>
}

/** A locked golden record with its source records, oldest first. */
export interface LockedGoldenRecord {
  id: string
  type: string
  state: 'ACTIVE' | 'MERGED' | 'DELETED'
  version: number
  redirect: string | null
  values: Record<string, unknown>
  members: Member[]
}

const memberColumns = 'id, key, type, golden_id as "goldenId", complete, deleted, canonical'

/** Locks golden records and reads them. The result leaves out ids that do not exist. */
export async function lockGoldenRecords(
  tx: Transaction,
  ids: readonly string[],
): Promise<Map<string, LockedGoldenRecord>> {
  const known = ids.filter((id) => isUuid(id))
  if (known.length === 0) return new Map()
  await lock(tx, 'golden', known.map(lockNumber))
  const [golden, members] = await Promise.all([
    tx<Omit<LockedGoldenRecord, 'members'>[]>`
      select id, type, state, version, redirect, values from golden where id = any(${known}::uuid[])`,
    tx.unsafe<Member[]>(
      `select ${memberColumns} from source_record where golden_id = any($1::uuid[]) order by id`,
      [known],
    ),
  ])
  const byGolden = Map.groupBy(members, (m) => m.goldenId)
  return new Map(golden.map((g) => [g.id, { ...g, members: byGolden.get(g.id) ?? [] }]))
}

/** Reads a source record by its key. */
export async function readMember(tx: Transaction, key: string): Promise<Member | null> {
  if (!isUuid(key.toLowerCase())) return null
  const [row] = await tx.unsafe<Member[]>(
    `select ${memberColumns} from source_record where key = $1`,
    [key.toLowerCase()],
  )
  return row ?? null
}
