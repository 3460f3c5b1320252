import { isDeepStrictEqual } from 'node:util'
import type { Canonical } from '../../connectors/contract.ts'
import { KEPT } from '../../schema/operational.ts'
import type { WholeRecord } from '../records/records.ts'
import { issuesOf } from './ties.ts'

/**
 * Returns true if a stored record maps differently now. A record that would change its type stays
 * as it is, unless it was only kept: nothing was made of it yet.
 */
export function differs(record: WholeRecord, now: Canonical): boolean {
  if (now.type !== record.type) return record.type === KEPT
  // The stored form comes from jsonb and has no undefined fields.
  const fields: unknown = JSON.parse(JSON.stringify(now.fields))
  const issues: unknown = JSON.parse(JSON.stringify(issuesOf(now, record.tied)))
  return (
    !isDeepStrictEqual(fields, record.canonical) ||
    !isDeepStrictEqual(issues, record.issues ?? []) ||
    (now.complete || record.deleted) !== record.complete
  )
}
