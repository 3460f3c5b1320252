import { createHash } from 'node:crypto'
import type { Sql, Transaction } from '../db/database.ts'

/** What the audit log says of one event; further facts stand beside these. */
export interface AuditEntry {
  /** MERGE, APPROVE, CLAIM … */
  event: string
  actor: string
  action?: string | undefined
  reason?: string | undefined
  /** The row's own: number and time. */
  id?: never
  at?: never
  [fact: string]: unknown
}

/**
 * Appends to the audit log: sha256 over the hash of the row before and the text of the body, so that no row can be
 * changed, taken out or put in unseen. Holds the log's head until the commit, so it comes late in a transaction, just
 * before the feed's.
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

/** The first row of the audit log that is not as it was written. */
export interface BrokenRow {
  id: number
  detail: string
}

const rowsPerPage = 5_000

/** Reads the whole log in constant memory and checks the chain; null when it is whole. `rows` is told while it goes. */
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
    return { rows: last, broken: { id: last + 1, detail: `the log ends at ${last}, its head says ${head?.id}` } }
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
  // Before 2026-11-21 such a row bore the moment that tasks are due in the place of its own.
  const timeless = body.event === 'SET_DUE' && body.due === undefined
  if (body.id !== row.id || (!timeless && body.at !== row.at.toISOString()))
    return 'its number or time is not what its body says'
  return null
}
