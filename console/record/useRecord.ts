import { useMemo } from 'react'
import type { Failure } from '../graph/failure.ts'
import { goldenType } from '../graph/goldenType.ts'
import type { GoldenType } from '../graph/goldenTypes.ts'
import { useLive } from '../graph/live.ts'
import { useQuery } from '../graph/useQuery.ts'
import { type GoldenRecord, recordOperations } from './operations.ts'
import { RecordChangesDocument, RecordTypeDocument } from './record.generated.ts'

export interface ShownRecord {
  type: GoldenType
  record: GoldenRecord
  operations: ReturnType<typeof recordOperations>
  /** The scopes of hidden fields that the viewer has. */
  scopes: ReadonlySet<string>
  again: () => void
}

export interface RecordLoad {
  shown: ShownRecord | null
  failure: Failure | null
  loading: boolean
  slow: boolean
  again: () => void
  /** No record has the id. */
  missing: boolean
  /** The id is of an object of this type, which is no golden record. */
  other: string | null
}

const ANY = { name: 'None', title: null, fields: [], lists: [], figures: [] }

/** Loads a golden record of any type: its type first, then the fields that the type has. */
export function useRecord(id: string, asOf: string | undefined): RecordLoad {
  const found = useQuery(RecordTypeDocument, { id })
  const node = found.data?.node ?? null
  const type = goldenType(node?.__typename)
  const operations = useMemo(() => recordOperations(type ?? ANY), [type])
  const scopes = useMemo(() => scopesIn(type ?? ANY), [type])
  const moment = asOf === undefined ? '' : `@${new Date(asOf).toISOString()}`
  const loaded = useQuery(
    operations.record,
    node && type ? { id: `${node.id}${moment}`, scopes } : null,
  )
  const again = () => {
    found.again()
    loaded.again()
  }
  useLive(
    RecordChangesDocument,
    { ids: [node?.id ?? id] },
    ({ changes }) => changes.__typename === 'Change' && again(),
    again,
  )
  const record = loaded.data?.node
  // A result of another record is shown no longer than until the next one has begun.
  const isCurrent = record && node && record.id.startsWith(node.id)
  const settled = !found.loading && !found.failure
  return {
    shown:
      type && isCurrent
        ? { type, record, operations, scopes: new Set(loaded.data?.viewer?.scopes), again }
        : null,
    failure: found.failure ?? loaded.failure,
    loading: found.loading || loaded.loading,
    slow: found.slow || loaded.slow,
    again,
    missing:
      settled &&
      (node === null || (!!type && !loaded.loading && !loaded.failure && !!loaded.data && !record)),
    other: settled && node && !type ? node.__typename : null,
  }
}

function scopesIn(type: GoldenType): string[] {
  const all = [...type.fields, ...type.fields.flatMap((f) => f.parts ?? []), ...type.lists]
  return [...new Set([...all, ...type.figures].flatMap((f) => (f.scopes ?? []).flat()))].sort()
}

/** Returns the scopes that are missing for something, as a sentence; null if none is. */
export function missingScopes(
  scopes: string[][] | undefined,
  held: ReadonlySet<string>,
): string | null {
  if (!scopes || scopes.some((all) => all.every((s) => held.has(s)))) return null
  return `Needs the right ${scopes.map((all) => all.join(' and ')).join(', or ')}`
}
