import { createHash } from 'node:crypto'
import type { Sql, Transaction } from '../db/database.ts'
import { encodeParts } from './encodeParts.ts'

interface EvidenceRow {
  id: string
  state: string
  action: string
  assertions: string
  withdrawals: string
}

/**
 * Returns a digest of an action: what was asked, decided and done, its assertions and what it
 * withdrew. The entry of the action holds it, so the rows that the entry is about are covered too.
 * The state is covered as it was decided: a later undo and the end of a proposal follow from other
 * rows.
 */
export async function actionEvidence(tx: Transaction, action: string): Promise<string> {
  const [row] = await tx<EvidenceRow[]>`
    select ${evidenceColumns(tx)} from action a where a.id = ${action}`
  if (!row) throw new Error(`there is no action ${action}`)
  return digest(row, row.state)
}

function digest({ id, action, assertions, withdrawals }: EvidenceRow, state: string): string {
  return createHash('sha256')
    .update(encodeParts(['touchstone action 1', id, state, action, assertions, withdrawals]))
    .digest('hex')
}

/** Times are numbers, because their text depends on the time zone of the session. */
function evidenceColumns(sql: Sql | Transaction) {
  return sql`a.id, a.state,
    jsonb_build_array(a.kind, a.type, a.input, a.expected, a.actor, a.reason, a.idempotency_key, a.correlation_id,
      a.subjects, a.before, a.effect, a.approval, a.stake, a.undoes, a.number, a.decided_by, a.decision,
      extract(epoch from a.proposed_at), extract(epoch from a.expires_at), extract(epoch from a.done_at))::text as action,
    (select coalesce(jsonb_agg(jsonb_build_array(s.id, s.kind, s.a, s.b, s.field, s.value, s.actor, s.reason,
        extract(epoch from s.at), extract(epoch from s.expires_at)) order by s.id), '[]')::text
      from assertion s where s.action_id = a.id) as assertions,
    (select coalesce(jsonb_agg(w.assertion_id order by w.assertion_id), '[]')::text
      from withdrawal w where w.action_id = a.id) as withdrawals`
}

/** An action that is not as its entry says. `position` is the entry; null if it has none. */
export interface EvidenceFinding {
  position: number | null
  action: string
  detail: string
}

/** The last entry about an action that has evidence, with the action as it is now. */
interface EntryRow extends Omit<EvidenceRow, 'id' | 'state'> {
  /** Null if there is no such action. */
  id: string | null
  state: string | null
  entry: number
  about: string
  evidence: string
  isUndone: boolean
}

const uuidPattern = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
const entriesPerPage = 1_000
const findingsMax = 20

/**
 * Compares actions, with their assertions and withdrawals, with the entries of the audit log, and
 * finds actions without an entry. Returns how many were compared and the first findings. Entries
 * from before this digest are passed over.
 */
export async function verifyEvidence(
  sql: Sql | Transaction,
  onProgress: (position: number) => void = () => {},
): Promise<{ actions: number; findings: EvidenceFinding[] }> {
  const findings: EvidenceFinding[] = []
  let actions = 0
  for (let after = 0; findings.length < findingsMax; ) {
    // The last entry of an action counts: a proposal is decided later. One statement, because an
    // action may be decided meanwhile. The owner of the table may have put any text in action_id.
    const page = await sql<EntryRow[]>`
      with page as materialized (
        select t.id, t.action_id, t.body ->> 'evidence' as evidence from audit t
        where t.id > ${after} and t.body ->> 'evidence' is not null and t.action_id is not null
          and not exists (select 1 from audit l where l.action_id = t.action_id and l.id > t.id)
        order by t.id limit ${entriesPerPage})
      select page.id as "entry", page.action_id as "about", page.evidence, u.undoes is not null as "isUndone",
        ${evidenceColumns(sql)}
      from page
      left join action a on a.id = case when page.action_id ~ ${uuidPattern} then page.action_id::uuid end
      left join (select distinct undoes from action where undoes is not null and state = 'DONE') u on u.undoes = a.id
      order by page.id`
    for (const row of page) {
      actions++
      const detail = fault(row)
      if (detail !== null) findings.push({ position: row.entry, action: row.about, detail })
      after = row.entry
    }
    onProgress(after)
    if (page.length < entriesPerPage) break
  }
  const unnamed = await sql<{ id: string }[]>`
    select a.id from action a, audit_head h
    where (h.start_id = 0 or a.proposed_at > (select at from audit order by id limit 1))
      and not exists (select 1 from audit t where t.action_id = a.id::text)
    order by a.proposed_at limit ${findingsMax}`
  for (const { id } of unnamed)
    findings.push({ position: null, action: id, detail: 'no entry of the audit log is about it' })
  return { actions, findings: findings.slice(0, findingsMax) }
}

function fault(row: EntryRow): string | null {
  const { state, evidence, isUndone } = row
  if (row.id === null || state === null) return 'it was removed'
  if (isUndone !== (state === 'UNDONE'))
    return isUndone
      ? 'it was undone, and its state says otherwise'
      : 'its state is UNDONE, and no action undoes it'
  // These two states come without an entry of the action itself.
  const decided = state === 'UNDONE' ? 'DONE' : state === 'EXPIRED' ? 'PROPOSED' : state
  return digest({ ...row, id: row.id, state }, decided) === evidence
    ? null
    : 'the action, its assertions or its withdrawals are not as the entry says'
}
