import { createHash } from 'node:crypto'
import type { Sql, Transaction } from '../db/database.ts'

/** One entry of the audit log. Further facts are added as further fields. */
export interface AuditEntry {
  /** MERGE, APPROVE, CLAIM … */
  event: string
  actor: string
  action?: string | undefined
  reason?: string | undefined
  /** Reserved for the row's own number and time. */
  id?: never
  at?: never
  [fact: string]: unknown
}

/**
 * Appends to the audit log. Each row holds a sha256 over the hash of the previous row and the text
 * of its body, so a changed, removed or inserted row is detected. Locks the head of the log until
 * the commit, so call it late in a transaction, just before the feed's append.
 */
export async function appendAudit(tx: Transaction, entry: AuditEntry): Promise<void> {
  const [head] = await tx<{ id: number; hash: Uint8Array; at: Date }[]>`
    select id, hash, date_trunc('milliseconds', clock_timestamp()) as at from audit_head for update`
  if (!head) throw new Error('audit_head has no row: the migrations have not run')
  const id = head.id + 1
  const body = JSON.stringify({ id, at: head.at.toISOString(), ...entry })
  const hash = chained(head.hash, body)
  await tx`
    with head as (update audit_head set id = ${id}, hash = ${hash})
    insert into audit (id, at, body, hash) values (${id}, ${head.at}, ${body}::text::json, ${hash})`
}

function chained(before: Uint8Array, body: string): Uint8Array {
  return createHash('sha256').update(before).update(body).digest()
}

/** The first row of the audit log whose hash does not fit. */
export interface BrokenRow {
  id: number
  detail: string
}

const rowsPerPage = 5_000

/**
 * Reads the whole log in constant memory and checks the chain. `broken` is null if it is intact.
 * Calls `rows` with progress.
 */
export async function verifyAudit(sql: Sql): Promise<{ rows: number; broken: BrokenRow | null }> {
  let before: Uint8Array = new Uint8Array()
  let last = 0
  for (;;) {
    const page = await sql<{ id: number; at: Date; body: string; hash: Uint8Array }[]>`
      select id, at, body::text as body, hash from audit where id > ${last} order by id limit ${rowsPerPage}`
    for (const row of page) {
      const detail = fault(row, last + 1, before)
      if (detail) return { rows: last, broken: { id: last + 1, detail } }
      before = row.hash
      last = row.id
    }
    if (page.length < rowsPerPage) break
  }
  const [head] = await sql<{ id: number; hash: Uint8Array }[]>`select id, hash from audit_head`
  if (!head || head.id !== last || !Buffer.from(head.hash).equals(before))
    return {
      rows: last,
      broken: { id: last + 1, detail: `the log ends at ${last}, its head says ${head?.id}` },
    }
  return { rows: last, broken: null }
}

function fault(
  row: { id: number; at: Date; body: string; hash: Uint8Array },
  expected: number,
  before: Uint8Array,
): string | null {
  if (row.id !== expected) return `row ${expected} is missing`
  if (!Buffer.from(row.hash).equals(chained(before, row.body)))
    return 'its hash is not that of its body and the row before'
  const body = JSON.parse(row.body) as { id: number; at: string; event: string; due?: string }
  // Before 2026-11-21 such a row held the due time of its tasks in place of its own time.
  const timeless = body.event === 'SET_DUE' && body.due === undefined
  if (body.id !== row.id || (!timeless && body.at !== row.at.toISOString()))
    return 'its number or time is not what its body says'
  return null
}
