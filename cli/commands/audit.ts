import { Command } from 'commander'
import { rowRightsGuard } from '../../mdm/access/rowRightsGuard.ts'
import { headLine } from '../../mdm/audit/auditHead.ts'
import { loadAuditKeys } from '../../mdm/audit/auditKeys.ts'
import { acceptBreak, readBreakMark } from '../../mdm/audit/breaks.ts'
import type { BrokenRow } from '../../mdm/audit/chainWalk.ts'
import { type EvidenceFinding, verifyEvidence } from '../../mdm/audit/evidence.ts'
import { expireAudit, planAuditExpiry } from '../../mdm/audit/expireAudit.ts'
import type { GuardFault } from '../../mdm/audit/guardFault.ts'
import { findGuardFaults } from '../../mdm/audit/guards.ts'
import { replaceLostKey } from '../../mdm/audit/settleAuditKey.ts'
import { currentHead } from '../../mdm/audit/storedHead.ts'
import {
  AuditStructureError,
  type AuditVerification,
  verifyAudit,
} from '../../mdm/audit/verifyAudit.ts'
import { type HeadsVerification, STANDARD_INPUT, verifyHeads } from '../../mdm/audit/verifyHeads.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { count, counted } from '../../schema/kit/numberText.ts'
import { commandActor } from '../config/commandActor.ts'
import { withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, hasOwnOwner, withDatabase } from '../connect.ts'
import { print, printJson } from '../terminal/print.ts'
import { confirmed } from './input/confirmed.ts'
import { readLines } from './input/lines.ts'
import { parseDuration } from './input/parseDuration.ts'
import { parseReason } from './input/parseReason.ts'
import { createProgress, type Progress } from './output/progress.ts'

const BROKEN = 1
const NOT_VERIFIED = 2

interface Found {
  log: AuditVerification
  evidence: { actions: number; findings: EvidenceFinding[] }
  /** Guards of the history that are not as the migrations create them. */
  guards: GuardFault[]
  /** A break that a process has recorded and nobody has accepted. */
  openBreak: BrokenRow | null
  heads: HeadsVerification | null
  /** Files given with --against in which no head was found. */
  headless: string[]
  /** The id of the first key of this process, which signs the next entry. */
  nextKey: string | undefined
}

const verify = withConfig(
  new Command('verify')
    .description(
      'check the audit log: each entry under its key, the actions that entries are about, what guards the history in the database, and with --against the heads that left the database earlier',
    )
    .option(
      '--against <files...>',
      'files of heads: of TOUCHSTONE_AUDIT_HEAD_FILE, logs of processes, bodies of webhooks; "-" reads the standard input',
    )
    .option('--json', 'print the result as one JSON object', false)
    .addHelpText(
      'after',
      `
Without --against, entries that were removed at the end and a log that was replaced by an older backup of itself are not
seen: nothing in the database can show them.

Exit codes: 0 everything fits; 1 the log, an action or a head was changed; 2 it could not be verified, for example
because a key or a file is missing, no head was read, or the database does not answer.

Examples:
  npx touchstone audit verify
  npx touchstone audit verify --against heads.jsonl
  journalctl -u touchstone | npx touchstone audit verify --against -`,
    ),
  DATABASE_CONFIG,
).action(async (o: DatabaseConfig & { against?: string[]; json: boolean }) => {
  const progress = createProgress()
  try {
    const found = await withDatabase({ config: o, connectionsMax: 1 }, (sql) =>
      findChanges(sql, o, progress),
    )
    progress.end()
    if (o.json) printJson(asJson(found))
    else print(...report(found))
    process.exitCode = exitCode(found)
  } catch (e) {
    progress.end()
    const detail = e instanceof Error ? e.message : String(e)
    const isBroken = isStructureChanged(e)
    if (o.json) printJson({ result: isBroken ? 'BROKEN' : 'NOT_VERIFIED', detail })
    else
      print(
        isBroken
          ? `the tables of the audit log were changed: ${detail}`
          : `the audit log could not be verified: ${detail}`,
      )
    process.exitCode = isBroken ? BROKEN : NOT_VERIFIED
  }
})

async function findChanges(
  sql: Sql,
  o: DatabaseConfig & { against?: string[] },
  progress: Progress,
): Promise<Found> {
  const { against } = o
  const log = await verifyAudit(sql, {
    onProgress: (checked) => progress.show(`${counted(checked, 'entry', 'entries')} checked`),
  })
  const evidence = await verifyEvidence(sql, (position) =>
    progress.show(`actions compared up to entry ${count(position)}`),
  )
  const ring = log.keys.length > 0 || against ? await loadAuditKeys(false) : []
  const heads = against
    ? await verifyHeads(sql, ring, log, readLines(against), (lines) =>
        progress.show(`${counted(lines, 'line')} of heads compared`),
      )
    : null
  const mark = await readBreakMark(sql, ring, log.chain)
  const guards = await findGuardFaults(sql, {
    isApplication: hasOwnOwner(o),
    rowRights: rowRightsGuard,
  })
  const named = new Set(heads?.files)
  return {
    ...{ log, evidence, heads, guards, openBreak: mark?.open ?? null, nextKey: ring[0]?.id },
    headless: (against ?? []).filter((f) => !named.has(f === '-' ? STANDARD_INPUT : f)),
  }
}

const UNDEFINED_COLUMN = '42703'
const UNDEFINED_TABLE = '42P01'

/** Returns whether a table or a column of the log is gone, which no version of the program does. */
function isStructureChanged(e: unknown): boolean {
  if (e instanceof AuditStructureError) return true
  const code = e instanceof Error && 'code' in e ? e.code : null
  return code === UNDEFINED_COLUMN || code === UNDEFINED_TABLE
}

function exitCode({ log, evidence, heads, guards, openBreak }: Found): number {
  if (
    log.broken ||
    openBreak ||
    guards.some((g) => !g.isNote) ||
    evidence.findings.length > 0 ||
    (heads && heads.findings.length > 0)
  )
    return BROKEN
  const isUnkeyed = log.rows > 0 && log.keys.length === 0
  const isHeadless = heads !== null && heads.heads === 0
  return log.unverified || heads?.unverified || isUnkeyed || isHeadless ? NOT_VERIFIED : 0
}

function report(found: Found): string[] {
  const { log, evidence, heads, nextKey, openBreak } = found
  const lines: string[] = []
  const { broken, unverified, keys, expiredThrough, rows, unkeyed } = log
  if (broken)
    lines.push(
      `entry ${broken.id} of the audit log is broken: ${broken.detail}; ${counted(rows, 'entry before it fits', 'entries before it fit')}`,
    )
  else lines.push(`${counted(rows, 'entry', 'entries')} of the audit log ${log.chain}, all fit`)
  if (expiredThrough > 0) lines.push(`entries up to ${expiredThrough} have expired`)
  if (unkeyed > 0)
    lines.push(
      keys[0]
        ? `entries ${expiredThrough + 1} to ${expiredThrough + unkeyed} are from before keys: they fit together, and entry ${keys[0].from} seals them; what was changed before that is not seen`
        : 'no entry is under a key yet: they fit together, which proves nothing against somebody who can write the database; the next start of a server seals them',
    )
  for (const k of keys) lines.push(`key ${k.id}: entries ${k.from} to ${k.to}`)
  if (unverified)
    lines.push(
      `${counted(unverified.entries, 'entry', 'entries')} from entry ${unverified.id} on could not be verified: this process does not have the key ${unverified.keyId}. If nobody has it, the log was replaced`,
    )
  if (nextKey !== undefined && keys.length > 0 && keys.at(-1)?.id !== nextKey)
    lines.push(
      `the log ends under the key ${keys.at(-1)?.id}, and the first key of this process is ${nextKey}: if that one has signed before, entries were removed`,
    )
  for (const f of evidence.findings)
    lines.push(
      `action ${f.action}${f.position === null ? '' : ` (entry ${f.position})`}: ${f.detail}`,
    )
  if (openBreak)
    lines.push(
      `a server has found the log broken at entry ${openBreak.id}: ${openBreak.detail}. Heads say so until "touchstone audit resume"`,
    )
  for (const { guard, detail } of found.guards) lines.push(`${guard}: ${detail}`)
  lines.push(`${counted(evidence.actions, 'action')} compared with their entries`)
  if (heads) lines.push(...reportHeads(heads))
  if (heads && heads.heads > 0)
    for (const file of found.headless) lines.push(`no head was found in ${file}`)
  return lines
}

function reportHeads(heads: HeadsVerification): string[] {
  const { findings, unverified, otherLines, firstOtherLine, expired } = heads
  const lines = findings.map(
    (f) => `${f.detail}${f.more > 0 ? ` (and ${counted(f.more, 'more head')})` : ''}`,
  )
  if (unverified)
    lines.push(
      `${counted(unverified.heads, 'head')} could not be verified: this process does not have the key ${unverified.keyId}`,
    )
  if (heads.heads === 0) lines.push('no head was found in what was given with --against')
  const notes = [
    expired > 0 ? `${count(expired)} of them about expired entries` : '',
    otherLines > 0
      ? `${counted(otherLines, 'other line')} passed over, the first at ${firstOtherLine}`
      : '',
  ].filter((n) => n !== '')
  lines.push(
    `${counted(heads.heads, 'head')} compared${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`,
  )
  return lines
}

function asJson(found: Found): Record<string, unknown> {
  const { log, evidence, heads, nextKey } = found
  const code = exitCode(found)
  const { lastHash, startHash, ...facts } = log
  return {
    result: code === 0 ? 'OK' : code === BROKEN ? 'BROKEN' : 'NOT_VERIFIED',
    ...facts,
    lastHash: Buffer.from(lastHash).toString('hex'),
    startHash: Buffer.from(startHash).toString('hex'),
    nextKey: nextKey ?? null,
    guards: found.guards,
    openBreak: found.openBreak,
    actions: evidence,
    heads,
    headless: found.headless,
  }
}

const head = withConfig(
  new Command('head')
    .description('print the head of the audit log, signed, as a line for --against')
    .addHelpText(
      'after',
      `
Examples:
  npx touchstone audit head >> heads.jsonl`,
    ),
  DATABASE_CONFIG,
).action(async (o: DatabaseConfig) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const now = await currentHead(sql)
    if (!now) throw new Error('the audit log has no entry under a key yet')
    print(headLine(now).trimEnd())
  })
})

const expire = withConfig(
  new Command('expire')
    .description(
      'delete old entries of the audit log; the rest stays verifiable, because an entry names the last deleted one with its hash',
    )
    .requiredOption(
      '--older-than <age>',
      'delete entries that are older than this: 3650d, 520w',
      parseDuration,
    )
    .requiredOption('--reason <text>', 'why, for the audit log', parseReason)
    .option('--yes', 'do not ask', false)
    .addHelpText(
      'after',
      `
The log is verified first, and nothing is deleted if it is broken. The user of the database must own its tables. It asks
before it deletes; without a terminal it needs --yes.

Exit codes: 0 done, or nothing to delete; 1 not confirmed, or the log is broken; 2 the log could not be verified.

Examples:
  npx touchstone audit expire --older-than 3650d --reason "retention of ten years"`,
    ),
  DATABASE_CONFIG,
).action(async (o: DatabaseConfig & { olderThan: number; reason: string; yes: boolean }) => {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const as = { config: o, connectionsMax: 1, name: 'touchstone-expire', asOwner: true }
  await withDatabase(as, async (sql) => {
    const before = new Date(Date.now() - o.olderThan * 1_000)
    const { from, through } = await planAuditExpiry(sql, before)
    if (through <= from) {
      print(`no entry is older than ${before.toISOString()}`)
      return
    }
    const { broken, unverified } = await verifyAudit(sql)
    if (broken)
      throw new Error(
        `the audit log is broken at entry ${broken.id}: ${broken.detail}. Nothing was deleted`,
      )
    if (unverified) {
      print(
        `the audit log could not be verified: the key ${unverified.keyId} is missing. Nothing was deleted`,
      )
      process.exitCode = NOT_VERIFIED
      return
    }
    const question = `Delete entries ${from + 1} to ${through} of the audit log, from before ${before.toISOString()}?`
    if (!o.yes && !(await confirmed(question))) {
      process.exitCode = 1
      return
    }
    const done = await expireAudit(
      sql,
      through,
      { actor: commandActor(), reason: o.reason },
      stop.signal,
    )
    print(`the audit log now begins after entry ${done}`)
  })
})

const lostKey = withConfig(
  new Command('lost-key')
    .description(
      'continue the audit log under the first key of this process although the key before is lost; entries under the lost key can no longer be verified',
    )
    .requiredOption('--reason <text>', 'why, for the audit log', parseReason)
    .addHelpText(
      'after',
      `
Examples:
  npx touchstone audit lost-key --reason "the disk with the key is broken"`,
    ),
  DATABASE_CONFIG,
).action(async (o: DatabaseConfig & { reason: string }) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    await replaceLostKey(sql, { actor: commandActor(), reason: o.reason })
    print('the audit log goes on under the first key of this process')
  })
})

const resume = withConfig(
  new Command('resume')
    .description(
      'let heads of the audit log go on without a word about the recorded break, after somebody has looked into it',
    )
    .requiredOption('--reason <text>', 'what was found, for the audit log', parseReason)
    .addHelpText(
      'after',
      `
Move the file of heads away first and keep it: against it, "audit verify" goes on to name what was lost. It changes no
entry. A log that is broken by itself stays broken.

Exit codes: 0 done; 1 no break is recorded.

Examples:
  npx touchstone audit resume --reason "restored the backup of 2026-11-28, ticket 4711"`,
    ),
  DATABASE_CONFIG,
).action(async (o: DatabaseConfig & { reason: string }) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const accepted = await acceptBreak(sql, await loadAuditKeys(false), {
      actor: commandActor(),
      reason: o.reason,
    })
    if (!accepted) throw new Error('no break of the audit log is recorded that is still open')
    print(`heads go on after the break at entry ${accepted.id}: ${accepted.detail}`)
  })
})

export const command = new Command('audit')
  .description('verify the audit log, print its head, let heads go on, and let old entries expire')
  .addCommand(verify)
  .addCommand(head)
  .addCommand(expire)
  .addCommand(lostKey)
  .addCommand(resume)
  .addHelpText(
    'after',
    `
Examples:
  npx touchstone audit verify
  npx touchstone audit verify --against heads.jsonl`,
  )
