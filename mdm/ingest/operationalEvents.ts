import { isDeepStrictEqual } from 'node:util'
import { ownValue } from '../../schema/kit/dictionary.ts'
import {
  fieldsOf,
  hasEvents,
  isOperational,
  type OperationalType,
} from '../../schema/operational.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import { documents } from '../db/arrays.ts'
import type { Transaction } from '../db/database.ts'
import type { NewChange } from '../feed/append.ts'
import type { WholeRecord } from '../records/records.ts'
import type { ArrivedRecord } from './applyMessages.ts'

type Values = Record<string, unknown>

/**
 * Returns the events of operational objects that changed, for the end of the transaction: their
 * customers have their golden ids by then. The record locks of the caller order the versions.
 */
export async function operationalEvents(
  tx: Transaction,
  systems: ReadonlyMap<string, SourceSystem>,
  policyVersion: string,
  arrived: readonly ArrivedRecord[],
): Promise<NewChange[]> {
  const changes = arrived.flatMap(({ record, stored, cause }) => {
    const { type } = record
    if (!isOperational(type) || !wanted(systems, record.source, type)) return []
    const [before, after] = [valuesOf(type, stored), valuesOf(type, record)]
    if (isDeepStrictEqual(before, after)) return []
    return [{ type, key: record.key, known: stored !== null, cause, before, after }]
  })
  if (changes.length === 0) return []
  const versions = await lastVersions(
    tx,
    changes.filter((c) => c.known),
  )
  const customers = await goldenIds(
    tx,
    changes.map((c) => customerOf(c.after ?? c.before)),
  )
  return changes.map(({ type, key, cause, before, after }) => {
    const last = versions.get(key) ?? { version: 0, same: before === null }
    const customer = customerOf(after ?? before)
    return {
      goldenId: key,
      type,
      // A number is left out where the feed lacks a state: from before the events of this type began.
      version: last.version + (last.same ? 1 : 2),
      op: before === null ? 'CREATED' : after === null ? 'DELETED' : 'UPDATED',
      values: after,
      provenance: null,
      redirect: null,
      changed: changedFields(type, before, after),
      members: [key],
      policyVersion,
      cause,
      operational: {
        customer: customer === null ? null : (customers.get(customer) ?? null),
        before: last.same ? null : before,
      },
    }
  })
}

function wanted(
  systems: ReadonlyMap<string, SourceSystem>,
  source: string,
  type: OperationalType,
): boolean {
  return systems.get(source)?.events?.has(type) ?? hasEvents(type)
}

/** Returns the object as it is served; null while it is deleted or lacks required fields. */
function valuesOf(type: OperationalType, record: WholeRecord | null): Values | null {
  if (!record || record.deleted || !record.complete || record.type !== type) return null
  const canonical = record.canonical as Values
  return Object.fromEntries(
    fieldsOf(type).map(([name]) => {
      const value = ownValue(canonical, name) ?? null
      // As it is read back from jsonb, without undefined parts, so that equal values are equal.
      return [name, typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value]
    }),
  )
}

function changedFields(type: OperationalType, before: Values | null, after: Values | null) {
  const of = (values: Values | null, name: string) => (values && ownValue(values, name)) ?? null
  return fieldsOf(type).flatMap(([name]) =>
    isDeepStrictEqual(of(before, name), of(after, name)) ? [] : [name],
  )
}

function customerOf(values: Values | null): string | null {
  return typeof values?.customer === 'string' ? values.customer : null
}

/**
 * Returns the last version in the feed of each object that has one, and whether its values are
 * still those before this change. One look-up by (golden_id, version) for each.
 */
async function lastVersions(
  tx: Transaction,
  changes: readonly { key: string; before: Values | null }[],
): Promise<Map<string, { version: number; same: boolean }>> {
  if (changes.length === 0) return new Map()
  const rows = await tx<{ key: string; version: number; same: boolean }[]>`
    select o.key, c.version, c.values is not distinct from o.before::jsonb as same
    from unnest(${changes.map((c) => c.key)}::uuid[],
      string_to_array(${documents(changes.map((c) => c.before))}, E'\\x1f', '')) as o (key, before)
    cross join lateral (
      select version, values from change where golden_id = o.key order by version desc limit 1) c`
  return new Map(rows.map((r) => [r.key, r]))
}

async function goldenIds(
  tx: Transaction,
  keys: readonly (string | null)[],
): Promise<Map<string, string>> {
  const distinct = [...new Set(keys.filter((k) => k !== null))]
  if (distinct.length === 0) return new Map()
  const rows = await tx<{ key: string; id: string }[]>`
    select key, golden_id as id from source_record
    where key = any(${distinct}::uuid[]) and golden_id is not null`
  return new Map(rows.map((r) => [r.key, r.id]))
}
