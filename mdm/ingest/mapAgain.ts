import { isDeepStrictEqual } from 'node:util'
import type { Canonical } from '../../connectors/contract.ts'
import type { WholeRecord } from '../records/records.ts'

/** Whether a stored record is mapped otherwise by now. One that would be of another type is left as it is. */
export function differs(record: WholeRecord, now: Canonical): boolean {
  if (now.type !== record.type) return false
  // As the database gives it back: without fields that are undefined.
  const fields: unknown = JSON.parse(JSON.stringify(now.fields))
  const issues: unknown = JSON.parse(JSON.stringify(now.issues))
  return (
    !isDeepStrictEqual(fields, record.canonical) ||
    !isDeepStrictEqual(issues, record.issues ?? []) ||
    (now.complete || record.deleted) !== record.complete
  )
}
