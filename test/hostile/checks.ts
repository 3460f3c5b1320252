import { setTimeout as sleep } from 'node:timers/promises'
import { normalText } from '../../schema/kit/normalText.ts'
import { allStorable } from '../../schema/storable.ts'
import { ask, faultOf } from './answers.ts'
import { type Attack, atOnce, counts, countUp } from './attack.ts'
import type { Sent } from './load.ts'
import { peakMemoryMb } from './product.ts'
import { inParallel, send } from './requests.ts'

const settleMsMin = 60_000
const GOLDEN = ['Customer', 'Contact', 'Product', 'Contract']

/** Waits until the queue is empty; a message that stays is a finding. */
export async function settle(at: Attack, recordsPerSecond = 150): Promise<string> {
  const { sql } = at.product
  const until = Date.now() + settleMsMin + (at.accepted.count / recordsPerSecond) * 1_000
  let shown = Date.now()
  for (;;) {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from pending`
    if (row?.n === 0) return 'the queue is empty'
    if (Date.now() > until) {
      at.findings.add('messages that stay in the queue', `${row?.n}`, await stuckMessages(at))
      return `${row?.n} messages are stuck`
    }
    if (Date.now() - shown > 10_000) {
      at.log(`${row?.n} messages wait`)
      shown = Date.now()
    }
    await sleep(200)
  }
}

async function stuckMessages({ product }: Attack): Promise<string> {
  const rows = await product.sql<{ body: string; attempts: number }[]>`
    select left(i.body, 1000) as body, p.attempts from pending p join inbox i on i.id = p.inbox_id
    order by p.attempts desc limit 5`
  return rows.map((r) => `${r.attempts} attempts: ${r.body}`).join('\n')
}

/** Checks what became of every acknowledged message. */
export async function checkMessages(at: Attack): Promise<string> {
  const { product, findings, accepted } = at
  const { sql } = product
  const [inbox] = await sql<{ n: number; unknown: number }[]>`
    select count(*)::int as n,
      count(*) filter (where o.inbox_id is null and not exists (select from batch b where b.messages @> i.id))::int as unknown
    from inbox i left join outcome o on o.inbox_id = i.id`
  if (inbox?.unknown !== 0)
    findings.add(
      'messages without any outcome',
      `${inbox?.unknown}`,
      'neither applied, skipped nor an exception',
    )
  // Corrections of exceptions are messages that no sender sent.
  const [own] = await sql<
    { n: number }[]
  >`select count(*)::int as n from inbox where corrects is null`
  if (own?.n !== accepted.count)
    findings.add(
      'acknowledged messages are not those of the inbox',
      `${own?.n}`,
      `${accepted.count} acknowledged`,
    )
  const codes = await sql<{ outcome: string; code: string; n: number }[]>`
    select outcome, code, count(*)::int as n from outcome group by 1, 2 order by 3 desc`
  const broken = await sql<{ code: string; detail: string; body: string }[]>`
    select o.code, o.detail, i.body from outcome o join inbox i on i.id = o.inbox_id
    where o.code in ('NOT_APPLICABLE', 'NOT_COMPARED') order by length(i.body) limit 50`
  for (const b of broken) findings.add(`${b.code}: ${b.detail.slice(0, 120)}`, b.body, b.detail)
  return `${inbox?.n} messages; ${codes.map((c) => `${c.code} ${c.n}`).join(', ')}`
}

/** Compares stored records with what was sent; one that is not stored has to be an exception. */
export async function checkRecords(at: Attack, sent: ReadonlyMap<string, Sent>): Promise<string> {
  const { product, findings } = at
  const found = new Set<string>()
  const keys = [...sent.keys()]
  for (let from = 0; from < keys.length; from += 1_000) {
    const rows = await product.sql<
      {
        key: string
        raw: unknown
        canonical: Record<string, unknown>
        issues: unknown[] | null
        name: string | null
      }[]
    >`select key, raw, canonical, issues, raw->>'company_name' as name from source_record
      where key = any(${keys.slice(from, from + 1_000)}::uuid[])`
    for (const { key, raw, canonical, issues, name } of rows) {
      found.add(key)
      const line = sent.get(key)?.line ?? ''
      const given = allStorable(JSON.parse(line) as Record<string, unknown>)
      if (JSON.stringify(sorted(raw)) !== JSON.stringify(sorted(given)))
        findings.add('a stored record is not the sent one', line, JSON.stringify(raw))
      const stored = canonical.name
      if (name === null || typeof stored !== 'string') continue
      const wanted = normalText(name)
      if (
        stored !== wanted &&
        stored !== normalText(String(given.contact_name ?? '')) &&
        !issues?.length
      )
        findings.add('a name was changed in silence', line, JSON.stringify(stored))
    }
  }
  const missing = [...sent].flatMap(([key, record]) => (found.has(key) ? [] : [record]))
  return `${found.size} of ${sent.size} plain records are stored as sent, the others exceptions: ${counts(await whyMissing(at, missing))}`
}

/** Counts the codes of the exceptions of these records; a record without one is a finding. */
async function whyMissing(at: Attack, missing: readonly Sent[]): Promise<Map<string, number>> {
  const rows = await at.product.sql<{ source: string; id: string; code: string }[]>`
    select source, source_id as id, code from outcome
    where outcome = 'EXCEPTION' and source_id = any(${missing.map((m) => m.id)})`
  const codes = new Map(rows.map((r) => [`${r.source} ${r.id}`, r.code]))
  const found = new Map<string, number>()
  for (const { system, id, line } of missing) {
    const code = codes.get(`${system} ${id}`)
    if (code === undefined) at.findings.add('a record is neither stored nor an exception', line)
    else countUp(found, code)
  }
  return found
}

function sorted(value: unknown): unknown {
  return value !== null && typeof value === 'object'
    ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    : value
}

/**
 * Checks that the graph serves innocent records, and some of the hostile ones, as they are stored.
 * A record that is part of no golden record has to be incomplete.
 */
export async function checkServed(at: Attack, sent: ReadonlyMap<string, Sent>): Promise<string> {
  const { product, findings } = at
  const some = [...sent.keys()].slice(0, 300)
  const records = await product.sql<
    { key: string; id: string; complete: boolean; golden: string | null }[]
  >`
    (select key, source_id as id, complete, golden_id as golden from source_record
      where source = 'webshop' and source_id ~ '^I-[0-9]+$' limit 200)
    union all
    select key, source_id, complete, golden_id from source_record where key = any(${some}::uuid[])`
  const innocent = records.filter((r) => r.id.startsWith('I-'))
  for (const r of innocent)
    if (!r.complete || r.golden === null) findings.add('an innocent record is not mastered', r.id)
  const golden = records.filter((r) => r.golden !== null)
  await inParallel(golden, atOnce, async ({ key }) => {
    const query = `query($id: ID!) { node(id: $id) { __typename id ${GOLDEN.map((type) => `... on ${type} { sourceRecords(first: 200) { nodes { id raw } } }`)} } }`
    const { status, body, text } = await ask(product.origin, { query, variables: { id: key } })
    const line = sent.get(key)?.line
    const wrong = faultOf(status, body) ?? body.errors?.[0]?.message ?? null
    if (wrong !== null) findings.add(`${wrong} of a hostile record`, line ?? key, text)
    const node = body.data?.node as {
      sourceRecords?: { nodes: { id: string; raw: unknown }[] }
    } | null
    const raw = node?.sourceRecords?.nodes.find((r) => r.id === key)?.raw
    if (raw === undefined) return findings.add('a golden record lacks a member', line ?? key, text)
    if (line === undefined) return
    const given = allStorable(JSON.parse(line) as Record<string, unknown>)
    if (JSON.stringify(sorted(raw)) !== JSON.stringify(sorted(given)))
      findings.add('the graph serves another record than was sent', line, JSON.stringify(raw))
  })
  const apart = records.filter((r) => r.golden === null && r.complete)
  for (const r of apart) findings.add('a complete record has no golden record', r.id)
  return `${golden.length} records read through the graph, ${innocent.length} of them innocent; ${records.length - golden.length} are incomplete`
}

/** Checks that the process has neither failed inside nor lost its readiness. */
export async function checkProcess(at: Attack): Promise<string> {
  const { product, findings } = at
  for (const line of product.errors()) {
    const { msg, err } = (line.startsWith('{') ? JSON.parse(line) : { msg: line }) as {
      msg?: string
      err?: unknown
    }
    findings.add(`the log has an error: ${msg}`, line, JSON.stringify(err) ?? '')
  }
  const { status, text } = await send(product.origin, { method: 'GET', path: '/health/ready' })
  if (status !== 200) findings.add('the process is not ready', text)
  return `ready: ${status}, peak memory ${Math.round(peakMemoryMb(product.command.child.pid ?? 0))} MB`
}
