import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Sql } from '../db/database.ts'

type Values = Record<string, unknown> | null

export interface VersionDiff {
  field: string
  before: unknown
  after: unknown
}

/** Returns the fields whose values differ, by name. */
export function differencesOf(before: Values, after: Values): VersionDiff[] {
  const [a, b] = [before ?? {}, after ?? {}]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .sort()
    .map((field) => ({
      field,
      before: ownValue(a, field) ?? null,
      after: ownValue(b, field) ?? null,
    }))
    .filter((f) => JSON.stringify(f.before) !== JSON.stringify(f.after))
}

/**
 * Returns the differences of two versions of a golden record; null if one of them does not exist.
 */
export async function diffVersions(
  sql: Sql,
  goldenId: string,
  from: number,
  to: number,
): Promise<{ type: string; fields: VersionDiff[] } | null> {
  const rows = await sql<{ version: number; type: string; values: Values }[]>`
    select version, type, values from change where golden_id = ${goldenId} and version in (${from}, ${to})`
  const [a, b] = [rows.find((r) => r.version === from), rows.find((r) => r.version === to)]
  return a && b ? { type: a.type, fields: differencesOf(a.values, b.values) } : null
}

/** A version of a golden record beside the present one. */
export interface VersionThen {
  goldenId: string
  type: string
  version: number
  /** Null if the version is not stored. */
  then: Values
  now: Values
  currentVersion: number
  state: 'ACTIVE' | 'MERGED' | 'DELETED'
}

/** Returns the key of a version for the readers of this file. */
export function versionKey(goldenId: string, version: number): string {
  return `${goldenId} ${version}`
}

/** Reads versions by their keys, each with the present one. Two index scans for each key. */
export async function readVersionsThen(
  sql: Sql,
  keys: readonly string[],
): Promise<Map<string, VersionThen>> {
  const rows = await sql<VersionThen[]>`
    select g.id as "goldenId", g.type, w.version, c.values as "then", g.values as "now",
      g.version as "currentVersion", g.state
    from ${wanted(sql, keys)} join golden g on g.id = w.id
    left join change c on c.golden_id = w.id and c.version = w.version`
  return new Map(rows.map((r) => [versionKey(r.goldenId, r.version), r]))
}

/** What a version of a golden record changed. */
export interface VersionChange {
  goldenId: string
  type: string
  fields: VersionDiff[]
}

/** Reads what versions changed, by their keys. A version without values changed no field. */
export async function readVersionChanges(
  sql: Sql,
  keys: readonly string[],
): Promise<Map<string, VersionChange>> {
  const rows = await sql<
    { goldenId: string; version: number; type: string; before: Values; after: Values }[]
  >`
    select c.golden_id as "goldenId", c.version, c.type, c.values as "after", b.values as "before"
    from ${wanted(sql, keys)} join change c on c.golden_id = w.id and c.version = w.version
    left join change b on b.golden_id = w.id and b.version = w.version - 1`
  return new Map(
    rows.map((r) => [
      versionKey(r.goldenId, r.version),
      {
        goldenId: r.goldenId,
        type: r.type,
        fields: r.after === null ? [] : differencesOf(r.before, r.after),
      },
    ]),
  )
}

function wanted(sql: Sql, keys: readonly string[]) {
  const parts = keys.map((k) => k.split(' '))
  return sql`unnest(${parts.map(([id]) => id ?? '')}::uuid[], ${parts.map(([, v]) => Number(v))}::int[]) as w (id, version)`
}
