import { setTimeout as sleep } from 'node:timers/promises'
import { normalText } from '../../schema/kit/normalText.ts'
import { allStorable } from '../../schema/storable.ts'
import { ask, faultOf } from './answers.ts'
import { type Attack, atOnce } from './attack.ts'
import { peakMemoryMb } from './product.ts'
import { inParallel, send } from './requests.ts'

const settleMsMin = 60_000

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

/** Compares stored records with what was sent. */
export async function checkRecords(at: Attack, sent: ReadonlyMap<string, string>): Promise<string> {
  const { product, findings } = at
  let found = 0
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
      found++
      const line = sent.get(key) ?? ''
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
  if (sent.size > 20 && found < sent.size / 2)
    findings.add('most records are missing', `${found} of ${sent.size}`)
  return `${found} of ${sent.size} plain records read back`
}

function sorted(value: unknown): unknown {
  return value !== null && typeof value === 'object'
    ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    : value
}

/**
 * Checks that innocent records, and some of the hostile ones, are served by the graph as they are
 * stored.
 */
export async function checkServed(at: Attack, sent: ReadonlyMap<string, string>): Promise<string> {
  const { product, findings } = at
  const innocent = await product.sql<
    { key: string; id: string; complete: boolean; golden: string | null }[]
  >`
    select key, source_id as id, complete, golden_id as golden from source_record
    where source = 'webshop' and source_id ~ '^I-[0-9]+$'`
  for (const r of innocent)
    if (!r.complete || r.golden === null) findings.add('an innocent record is not mastered', r.id)
  const keys = [...innocent.map((r) => r.key).slice(0, 200), ...[...sent.keys()].slice(0, 300)]
  let served = 0
  await inParallel(keys, atOnce, async (key) => {
    const query = `query($id: ID!) { node(id: $id) { __typename id
      ... on Customer { name sourceRecords(first: 200) { nodes { id raw } } }
      ... on Product { name sourceRecords(first: 200) { nodes { id raw } } } } }`
    const { status, body, text } = await ask(product.origin, { query, variables: { id: key } })
    const wrong = faultOf(status, body) ?? body.errors?.[0]?.message ?? null
    if (wrong !== null) findings.add(`${wrong} of a hostile record`, sent.get(key) ?? key, text)
    const node = body.data?.node as {
      sourceRecords?: { nodes: { id: string; raw: unknown }[] }
    } | null
    const raw = node?.sourceRecords?.nodes.find((r) => r.id === key)?.raw
    if (raw === undefined) return
    served++
    const line = sent.get(key)
    if (line === undefined) return
    const given = allStorable(JSON.parse(line) as Record<string, unknown>)
    if (JSON.stringify(sorted(raw)) !== JSON.stringify(sorted(given)))
      findings.add('the graph serves another record than was sent', line, JSON.stringify(raw))
  })
  if (innocent.length > 0 && served === 0)
    findings.add('no record is served', `${keys.length} asked for`)
  return `${innocent.length} innocent records are golden, ${served} of ${keys.length} read through the graph`
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
