import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openInstallation } from '../cli/config/installation.ts'
import { startServer } from '../cli/embeddedPostgres/server.ts'
import type { Caller } from '../mdm/access/caller.ts'
import { openConnection, openDatabase, type Sql } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import { cursorOf, listPage } from '../mdm/db/page.ts'
import { checkRebuild } from '../mdm/policy/rebuild.ts'
import { createEngines } from '../mdm/resolution/resolve.ts'
import type { ActionInput } from '../mdm/stewardship/input.ts'
import { act, preview, type Stewardship } from '../mdm/stewardship/steward.ts'
import {
  countTasks,
  mostImportantTasks,
  type TaskRow,
  taskCondition,
  taskListing,
} from '../mdm/tasks/queue.ts'
import { recordKey } from '../schema/recordKey.ts'
import { benchAuditKeys } from './shared/benchAuditKeys.ts'

// Stewardship on an embedded Postgres with fsync: a queue of 100,000 tasks, and merges of golden
// records with 50 source records and 5,000 invoices, each undone afterwards.
// npm run bench -- steward [--tasks 100000] [--merges 40]
// Figures and their history: bench/steward.md.

const option = (name: string, value: number) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? value : Number(process.argv[at + 1])
}
const tasks = option('tasks', 100_000)
const merges = option('merges', 40)
const caller: Caller = {
  actor: 'bench',
  roles: new Set(['steward', 'approver']),
  scopes: new Set(['pii:read']),
  correlationId: 'bench',
}

benchAuditKeys()
const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const server = await startServer({ dir, durable: true, superuser: true })
const admin = openConnection(server.url('postgres'))
await admin.unsafe('create database steward')
const sql = openDatabase(server.url('steward'), { connectionsMax: 4, name: 'bench' })
try {
  await migrate(sql, fileURLToPath(new URL('../migrations', import.meta.url)))
  await queue(sql)
  await merging(sql)
} finally {
  await sql.end()
  await admin.end()
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}

async function queue(sql: Sql): Promise<void> {
  await sql`
    insert into task (id, kind, type, subject, state, reason, weight, stake, priority, assignee, due_at)
    select gen_random_uuid(), (array['POSSIBLE_MATCH', 'POSSIBLE_MATCH', 'CONFLICT', 'VALIDATION', 'APPROVAL'])[1 + n % 5],
      (array['Customer', 'Contact', 'Product', 'Contract'])[1 + n % 4], array[gen_random_uuid(), gen_random_uuid()], 'OPEN',
      'alike, but under the threshold', random() * 4, s.stake, log(1 + s.stake) + random(),
      (array[null, null, 'ada', 'bert', 'cleo'])[1 + (n / 7) % 5], now() + (random() * 200 - 20) * interval '1 hour'
    from generate_series(1, ${tasks}) n cross join lateral (select (random() ^ 4) * 1000000 + n * 0 as stake) s`
  await sql`vacuum analyze task`
  const filters = [
    {},
    { kinds: ['CONFLICT'] },
    { kinds: ['POSSIBLE_MATCH', 'CONFLICT'], types: ['Customer'] },
    { assignee: 'ada' },
    { assignee: null },
    { overdue: true, types: ['Contract'] },
  ]
  const pages: number[] = []
  for (let round = 0; round < 20; round++)
    for (const filter of filters) {
      let after: string | undefined
      for (let page = 0; page < 5; page++) {
        const condition = taskCondition(filter)
        const request = { order: mostImportantTasks, condition, after, backward: false, limit: 50 }
        const began = performance.now()
        const { rows } = await listPage<TaskRow>(sql, taskListing, request)
        pages.push(performance.now() - began)
        const last = rows.at(-1)
        after = last && cursorOf(mostImportantTasks, last)
      }
    }
  console.log(
    `queue of ${tasks}: a page of 50, filtered or not: ${line(pages)} (target p95 <= 50 ms)`,
  )
  const counts: number[] = []
  for (let round = 0; round < 10; round++) {
    const began = performance.now()
    await countTasks(sql, {})
    counts.push(performance.now() - began)
  }
  console.log(`queue of ${tasks}: counts by kind, type and assignee: ${line(counts)}`)
}

/**
 * Measures merges of two golden records with 25 source records each and 5,000 invoices, in a store
 * of 2,000 others.
 */
async function merging(sql: Sql): Promise<void> {
  const { policy, systems, rules } = openInstallation()
  const steward: Stewardship = {
    sql,
    policy,
    engines: createEngines(policy),
    systems: new Map(systems.map((s) => [s.name, s])),
    rules: { ...rules, approval: { ...rules.approval, mergeValueMin: Number.MAX_VALUE } },
  }
  const system = systems[0]?.name ?? ''
  const records = Array.from({ length: 2_050 }, (_, i) => {
    const own =
      i < 50 ? (i < 25 ? 'Nordwind Logistik GmbH' : 'Casa Lupo S.r.l.') : `Company ${i} ${i * 7919}`
    const domain =
      i < 50 ? (i < 25 ? 'nordwind.example' : 'casalupo.example') : `company${i}.example`
    return {
      key: recordKey(system, 'Account', `${i}`),
      id: `${i}`,
      golden:
        i < 50
          ? recordKey(system, 'Account', i < 25 ? '0' : '25')
          : recordKey(system, 'Account', `${i}`),
      canonical: JSON.stringify({ name: own, domains: [domain], lifecycle: 'CUSTOMER' }),
    }
  })
  await sql`
    insert into source_record (key, source, object, source_id, type, version, tie, complete, raw, canonical, golden_id, inbox_id)
    select key, ${system}, 'Account', id, 'Customer', 1, '', true, '{}', canonical::jsonb, golden, 0
    from unnest(${records.map((r) => r.key)}::uuid[], ${records.map((r) => r.id)}::text[],
      ${records.map((r) => r.golden)}::uuid[], ${records.map((r) => r.canonical)}::text[]) with ordinality as r (key, id, golden, canonical, n)
    order by n`
  const { repair } = await import('../mdm/policy/repair.ts')
  await repair(sql, steward, (await checkRebuild(sql, steward)).differences)
  const children = 5_000
  await sql`
    insert into source_record (key, source, object, source_id, type, version, tie, complete, raw, canonical, inbox_id)
    select gen_random_uuid(), ${system}, 'Invoice', 'i' || n, 'Invoice', 1, '', true, '{}', '{}', 0 from generate_series(1, ${children}) n`
  await sql`
    insert into invoice (record_id, customer, number, status, issue_date, balance_minor, currency)
    select s.id, (${records.slice(0, 50).map((r) => r.key)}::uuid[])[1 + s.id % 50], s.source_id, 'open', '2026-01-01', 10000, 'EUR'
    from source_record s where s.type = 'Invoice'`
  await sql`vacuum analyze`
  const [a, b] = [records[0]?.key ?? '', records[25]?.key ?? '']
  const run = async (input: ActionInput) => {
    const expected = await versions(sql, [a, b])
    const began = performance.now()
    const outcome = await act(steward, caller, {
      input,
      reason: 'bench',
      idempotencyKey: crypto.randomUUID(),
      expected,
    })
    if (outcome.code !== 'DONE') throw new Error(JSON.stringify(outcome))
    return { ms: performance.now() - began, id: outcome.actionId }
  }
  const merged: number[] = []
  const undone: number[] = []
  const previewed: number[] = []
  for (let i = -3; i < merges; i++) {
    const began = performance.now()
    const input: ActionInput = { kind: 'MERGE', ids: [a, b], choices: [] }
    const seen = await preview(steward, caller, { input, expected: await versions(sql, [a, b]) })
    const previewMs = performance.now() - began
    if (seen.code !== 'PREVIEW') throw new Error(JSON.stringify(seen))
    const one = await run(input)
    const two = await run({ kind: 'UNDO', action: one.id })
    // The first runs compile the code.
    if (i < 0) continue
    previewed.push(previewMs)
    merged.push(one.ms)
    undone.push(two.ms)
  }
  console.log(
    `merge of two golden records, 50 source records, 5,000 invoices: ${line(merged)} (target p95 <= 200 ms)`,
  )
  console.log(`its preview, with children counted: ${line(previewed)}`)
  console.log(`its undo: ${line(undone)}`)
  const { differences } = await checkRebuild(sql, steward)
  console.log(`stored equals rebuilt: ${differences.length} differences`)
}

async function versions(sql: Sql, ids: string[]): Promise<Record<string, number>> {
  const rows = await sql<
    { id: string; version: number }[]
  >`select id, version from golden where id = any(${ids}::uuid[])`
  return Object.fromEntries(rows.map((r) => [r.id, r.version]))
}

function line(ms: number[]): string {
  const sorted = ms.toSorted((a, b) => a - b)
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, ${ms.length} times`
}
