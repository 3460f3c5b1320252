import { Gauge, type Registry } from 'prom-client'
import type { Sql } from '../../mdm/db/database.ts'
import { isTransientDatabaseError } from '../../mdm/db/isTransientDatabaseError.ts'
import { readOnlyTransaction } from '../../mdm/db/readOnlyTransaction.ts'
import { driftOf, type Quality, quality } from '../../mdm/golden/read/quality.ts'
import type { TypePolicy } from '../../schema/policy.ts'

/**
 * Minimum interval of quality measurements, and their maximum number of records: each reads all of
 * them.
 */
const everyMs = 10 * 60_000
const recordsMax = 200_000

/**
 * Creates the metrics of quality. They are measured in the background after a scrape and shown at
 * the next, so no scrape waits. A store of more than `recordsMax` source records is left to
 * "touchstone quality --prometheus", which its operator schedules.
 */
export function qualityMetrics(
  registry: Registry,
  sql: Sql,
  types: readonly TypePolicy[],
  failed: (error: unknown) => void,
): { refresh(): void } {
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge<L>({ name: `touchstone_${name}`, help, labelNames, registers: [registry] })
  const golden = gauge('golden_records', 'Active golden records.', ['type'])
  const records = gauge('source_records', 'Live source records that golden records are made of.', [
    'type',
  ])
  const matchRate = gauge(
    'match_rate',
    'Share of golden records with more than one source record.',
    ['type'],
  )
  const uniqueness = gauge('uniqueness', 'Share of golden records that are not like another one.', [
    'type',
  ])
  const overrideRate = gauge(
    'override_rate',
    'Share of golden records with a value stated by a steward.',
    ['type'],
  )
  const validity = gauge(
    'validity',
    'Share of source records without a value that cannot be used.',
    ['type', 'system'],
  )
  const completeness = gauge('completeness', 'Share of golden records that have a value.', [
    'type',
    'field',
  ])
  const bySystem = ['type', 'system', 'field'] as ('type' | 'system' | 'field')[]
  const held = gauge('source_completeness', 'Share of source records that have a value.', bySystem)
  const drift = gauge(
    'drift',
    'Share of the values a system holds that the golden record does not have.',
    bySystem,
  )
  const measured = gauge('quality_measured_timestamp_seconds', 'When quality was measured.', [])
  let at = Number.NEGATIVE_INFINITY
  let running = false

  const show = (q: Quality) => {
    const { type } = q
    golden.set({ type }, q.golden)
    records.set({ type }, q.records)
    for (const [g, value] of [
      [matchRate, q.matchRate],
      [uniqueness, q.uniqueness],
      [overrideRate, q.overrideRate],
    ] as const)
      if (value !== null) g.set({ type }, value)
    for (const f of q.fields) completeness.set({ type, field: f.field }, f.completeness)
    for (const { system, ...s } of q.systems) {
      if (s.validity !== null) validity.set({ type, system }, s.validity)
      for (const d of s.drift) {
        held.set({ type, system, field: d.field }, d.completeness)
        drift.set({ type, system, field: d.field }, driftOf(d))
      }
    }
  }
  const measure = async () => {
    const stored = await readOnlyTransaction(sql, async (tx) => {
      const [row] = await tx<
        { n: number }[]
      >`select count(*)::int as n from (select 1 from source_record limit ${recordsMax + 1}) r`
      return row?.n ?? 0
    })
    if (stored > recordsMax) return
    for (const type of types) show(await quality(sql, type))
    measured.set(Date.now() / 1_000)
  }
  return {
    refresh() {
      if (running || performance.now() - at < everyMs) return
      running = true
      // touchstone_database_up reports an unavailable store; the next scrape after the pause
      // retries.
      measure()
        .catch((e: unknown) => {
          if (!isTransientDatabaseError(e)) failed(e)
        })
        .finally(() => {
          at = performance.now()
          running = false
        })
    },
  }
}
