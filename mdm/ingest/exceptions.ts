import { createHash } from 'node:crypto'
import { type Connector, type MappingStep, MessageError } from '../../connectors/contract.ts'
import { missingScopeOf } from '../../schema/hiddenFields.ts'
import type { Policy } from '../../schema/policy.ts'
import { storable } from '../../schema/storable.ts'
import type { Caller } from '../access/caller.ts'
import { faultOfIdempotencyKey, faultOfReason, normalReason } from '../access/requestTexts.ts'
import { appendAudit } from '../audit/audit.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import {
  countExceptions,
  type ExceptionFilter,
  type ExceptionRow,
  exceptionPlaces,
  lockOpen,
  readBody,
} from '../inbox/exceptions.ts'
import { acceptCorrection, closeExceptions, requeue } from '../inbox/requeue.ts'
import { missingRole, ownerOf, type StewardshipRules } from '../tasks/rules.ts'
import { type ExceptionWorkKind, saveWork, workedBefore } from './exceptionWork.ts'
import { leadsTooFar, versionLeadHoursMax } from './versionLead.ts'

/**
 * Dependencies of work on inbound exceptions. Without connectors nothing is explained or corrected.
 */
export interface ExceptionDesk {
  sql: Sql
  policy: Policy
  rules: StewardshipRules
  connectors: ReadonlyMap<
    string,
    Pick<Connector, 'read' | 'map' | 'explain' | 'objects' | 'objectName' | 'held'> &
      Partial<Pick<Connector, 'system'>>
  >
}

export interface ExceptionRequest {
  reason: string
  idempotencyKey: string
}

export type ExceptionRule =
  | 'MISSING_ROLE'
  | 'MISSING_SCOPE'
  | 'MISSING_REASON'
  | 'BAD_IDEMPOTENCY_KEY'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'BAD_LIMIT'
  | 'TOO_MANY_IDS'
  | 'UNKNOWN_SOURCE'
  | 'UNKNOWN_EXCEPTION'
  | 'NOT_OPEN'
  | 'OTHER_RECORD'
  | 'BAD_PAYLOAD'

/**
 * The result of a request. `messages` were retried, corrected or discarded, and `last` is the
 * highest number among them. `left` more match; request them again with `beyond` set to `last`.
 */
export type ExceptionOutcome =
  | {
      code: 'DONE'
      messages: number
      last: number | null
      left: number
      correctedBy: number | null
    }
  | { code: 'REFUSED'; rule: ExceptionRule; detail: string }

/** Largest number of exceptions in one request. */
export const exceptionsPerRequestMax = 1_000
const payloadCharsMax = 1_048_576

/**
 * Puts matching messages into the queue again, oldest first; their stored records are mapped again.
 */
export async function retryExceptions(
  desk: ExceptionDesk,
  caller: Caller,
  filter: ExceptionFilter & { owner?: string | null },
  limit: number,
  request: ExceptionRequest,
): Promise<ExceptionOutcome> {
  return await workOn(desk, caller, 'RETRY', filter, limit, request, async (tx, rows) => {
    await requeue(
      tx,
      rows.map((r) => r.inboxId),
    )
  })
}

/**
 * Closes exceptions without applying them. The messages stay in the inbox, and the source system
 * may still send what was missing.
 */
export async function discardExceptions(
  desk: ExceptionDesk,
  caller: Caller,
  filter: ExceptionFilter & { owner?: string | null },
  limit: number,
  request: ExceptionRequest,
): Promise<ExceptionOutcome> {
  return await workOn(desk, caller, 'DISCARD', filter, limit, request, async (tx, rows) => {
    await closeExceptions(
      tx,
      rows.map((r) => r.inboxId),
      'DISCARDED',
    )
  })
}

/**
 * Appends a corrected payload to the inbox as a message that names the one it corrects and closes
 * its exception. A payload that still cannot be read is rejected with the reason; whether it is
 * complete shows when it is applied. It must concern the same records as the original where those
 * are known, and none whose values the caller may not see: the right to correct a message is no
 * right to write other records of its system.
 */
export async function correctException(
  desk: ExceptionDesk,
  caller: Caller,
  inboxId: number,
  payload: { body: string; object: string | null },
  given: ExceptionRequest,
): Promise<ExceptionOutcome> {
  const request = { ...given, reason: normalReason(given.reason) }
  const fault = faultOf(desk, caller, request)
  if (fault) return fault
  if (payload.body.length > payloadCharsMax)
    return refused(
      'BAD_PAYLOAD',
      `a payload has at most ${payloadCharsMax} characters, not ${payload.body.length}`,
    )
  const body = storable(payload.body)
  const asked = {
    exception: inboxId,
    object: payload.object,
    sha256: createHash('sha256').update(body).digest('hex'),
  }
  return await transaction(desk.sql, async (tx) => {
    const before = await answeredBefore(tx, caller, 'EDIT', request, asked)
    if (before) return before
    const [row] = (await lockOpen(tx, { ids: [inboxId] }, 1)).rows
    if (!row)
      return refused(
        'NOT_OPEN',
        `message ${inboxId} is no open exception, or waits to be tried again`,
      )
    const scope = missingScope(desk, row, caller.scopes)
    if (scope)
      return refused('MISSING_SCOPE', `to correct what it says you need the scope ${scope}`)
    const [message] = await tx<
      { object: string | null; body: string }[]
    >`select object, body from inbox where id = ${inboxId}`
    const object = payload.object ?? message?.object ?? null
    const wrong = faultOfCorrection(
      desk,
      caller,
      row,
      message ?? { object: null, body: '' },
      body,
      object,
    )
    if (wrong) return wrong
    const messageId = `correction:${createHash('sha256').update(`${caller.actor}\0${request.idempotencyKey}`).digest('base64url')}`
    const correctedBy = await acceptCorrection(tx, {
      corrects: inboxId,
      messageId,
      object,
      body,
      correlationId: row.correlationId,
    })
    await closeExceptions(tx, [inboxId], 'CORRECTED')
    return await done(tx, caller, 'EDIT', request, asked, [row], 0, correctedBy)
  })
}

/** The change that a message makes to one record, with its mapping to canonical fields. */
export interface Explained {
  object: string
  sourceId: string
  type: string
  deleted: boolean
  /** True if the message states only these fields of the record; others are unknown here. */
  partial: boolean
  raw: Record<string, unknown>
  steps: MappingStep[]
}

/**
 * The steps from a message, or from a replacement text, to canonical fields; or why it cannot be
 * read.
 */
export type Explanation = { records: Explained[] } | { code: string; detail: string }

export function explain(
  desk: Pick<ExceptionDesk, 'connectors'>,
  message: { system: string; format: 'event' | 'row' },
  body: string,
  object: string | null,
): Explanation {
  const connector = desk.connectors.get(message.system)
  if (!connector)
    return { code: 'UNKNOWN_SOURCE', detail: `source system "${message.system}" is not configured` }
  try {
    const changes = connector.read(message.format, body, object)
    return {
      records: changes.map(({ version: _, ...change }) => ({
        ...change,
        type: typeOf(desk, message.system, change.object) ?? '',
        steps: connector.explain(change.object, change.raw),
      })),
    }
  } catch (e) {
    if (e instanceof MessageError) return { code: e.code, detail: e.message }
    throw e
  }
}

/** Returns the type that the mapping gives an object, by any of its names; null if it has none. */
export function typeOf(
  { connectors }: Pick<ExceptionDesk, 'connectors'>,
  system: string,
  object: string | null,
): string | null {
  const connector = connectors.get(system)
  const name = object === null ? null : connector?.objectName(object)
  return connector?.objects.find((o) => o.name === name)?.as ?? null
}

export function ownerOfException(
  desk: ExceptionDesk,
  row: { system: string; object: string | null },
): string {
  return ownerOf(desk.rules, { ...row, type: typeOf(desk, row.system, row.object) })
}

/** Turns a filter by owner into one by system and object: owners are configured, not stored. */
export async function withOwner(
  desk: ExceptionDesk,
  { owner, ...filter }: ExceptionFilter & { owner?: string | null },
): Promise<ExceptionFilter> {
  if (owner === null || owner === undefined) return filter
  const places = await exceptionPlaces(desk.sql, filter.state ?? 'EXCEPTION')
  return { ...filter, places: places.filter((p) => ownerOfException(desk, p) === owner) }
}

/**
 * Returns the scope that a caller lacks to see a message, or null. A golden type needs all its
 * scopes; an object without a mapping needs all there are; operational objects need none.
 */
export function missingScope(
  desk: ExceptionDesk,
  row: { system: string; object: string | null },
  scopes: ReadonlySet<string>,
): string | null {
  const as = typeOf(desk, row.system, row.object)
  const golden = desk.policy.types.filter((t) => as === null || as === 'Kept' || t.name === as)
  const missing = golden.flatMap((t) =>
    t.fields.flatMap((f) => missingScopeOf(desk.policy, f, scopes) ?? []),
  )
  return missing[0] ?? null
}

export async function readPayload(desk: ExceptionDesk, inboxId: number): Promise<string | null> {
  return await readBody(desk.sql, inboxId)
}

async function workOn(
  desk: ExceptionDesk,
  caller: Caller,
  kind: 'RETRY' | 'DISCARD',
  filter: ExceptionFilter & { owner?: string | null },
  limit: number,
  given: ExceptionRequest,
  apply: (tx: Transaction, rows: ExceptionRow[]) => Promise<void>,
): Promise<ExceptionOutcome> {
  const request = { ...given, reason: normalReason(given.reason) }
  const fault = faultOf(desk, caller, request)
  if (fault) return fault
  if (!Number.isInteger(limit) || limit < 1 || limit > exceptionsPerRequestMax)
    return refused(
      'BAD_LIMIT',
      `a request works on 1 to ${exceptionsPerRequestMax} exceptions, not ${limit}`,
    )
  if ((filter.ids?.length ?? 0) > exceptionsPerRequestMax)
    return refused('TOO_MANY_IDS', `at most ${exceptionsPerRequestMax} ids at once`)
  const asked = { filter, limit }
  const where = await withOwner(desk, filter)
  return await transaction(desk.sql, async (tx) => {
    const before = await answeredBefore(tx, caller, kind, request, asked)
    if (before) return before
    const { rows, more } = await lockOpen(tx, where, limit)
    await apply(tx, rows)
    const beyond = rows.at(-1)?.inboxId ?? where.beyond ?? null
    const left = more ? await countOpen(tx, { ...where, beyond }) : 0
    return await done(tx, caller, kind, request, asked, rows, left, null)
  })
}

async function countOpen(tx: Transaction, filter: ExceptionFilter): Promise<number> {
  const counts = await countExceptions(tx, { ...filter, state: 'EXCEPTION', waiting: false })
  return counts.reduce((n, c) => n + c.count, 0)
}

async function done(
  tx: Transaction,
  caller: Caller,
  kind: ExceptionWorkKind,
  request: ExceptionRequest,
  asked: object,
  rows: ExceptionRow[],
  left: number,
  correctedBy: number | null,
): Promise<ExceptionOutcome> {
  const answer: ExceptionOutcome = {
    code: 'DONE',
    messages: rows.length,
    last: rows.at(-1)?.inboxId ?? null,
    left,
    correctedBy,
  }
  await saveWork(tx, caller, {
    kind,
    ...request,
    request: asked,
    answer,
    messages: rows,
    correctedBy,
  })
  if (rows.length > 0)
    await appendAudit(tx, {
      event: `${kind}_EXCEPTION`,
      actor: caller.actor,
      reason: request.reason,
      correlationId: caller.correlationId,
      request: asked,
      messages: rows.map((r) => r.inboxId),
      ...(correctedBy === null ? {} : { correctedBy }),
    })
  return answer
}

async function answeredBefore(
  tx: Transaction,
  caller: Caller,
  kind: ExceptionWorkKind,
  { idempotencyKey }: ExceptionRequest,
  request: object,
): Promise<ExceptionOutcome | null> {
  const before = await workedBefore<ExceptionOutcome>(tx, caller, { kind, idempotencyKey, request })
  if (before === 'REUSED')
    return refused(
      'IDEMPOTENCY_KEY_REUSED',
      `you used the key ${idempotencyKey} for another request before`,
    )
  return before?.answer ?? null
}

function faultOf(
  desk: ExceptionDesk,
  caller: Caller,
  request: ExceptionRequest,
): ExceptionOutcome | null {
  const missing = missingRole(desk.rules, caller.roles, 'EXCEPTIONS')
  if (missing) return refused('MISSING_ROLE', missing)
  const wrongReason = faultOfReason(request.reason)
  if (wrongReason) return refused('MISSING_REASON', wrongReason)
  const wrongKey = faultOfIdempotencyKey(request.idempotencyKey)
  return wrongKey ? refused('BAD_IDEMPOTENCY_KEY', wrongKey) : null
}

function faultOfCorrection(
  desk: ExceptionDesk,
  caller: Caller,
  row: ExceptionRow,
  before: { object: string | null; body: string },
  body: string,
  object: string | null,
): ExceptionOutcome | null {
  if (!desk.connectors.has(row.system))
    return refused(
      'UNKNOWN_SOURCE',
      `source system "${row.system}" is not configured: nothing can read a correction`,
    )
  const read = explain(desk, row, body, object)
  if ('code' in read) return refused('BAD_PAYLOAD', `${read.code}: ${read.detail}`)
  for (const record of read.records) {
    const scope = missingScope(desk, { system: row.system, object: record.object }, caller.scopes)
    if (scope)
      return refused('MISSING_SCOPE', `to state a ${record.object} you need the scope ${scope}`)
  }
  const was = explain(desk, row, before.body, before.object)
  const latest = newestOf(desk, row, body, object)
  if (latest !== null && leadsTooFar(latest, row.receivedAt))
    return refused(
      'BAD_PAYLOAD',
      `its version is more than ${versionLeadHoursMax} hours after the message, which was received at ${row.receivedAt.toISOString()}: later messages of its system would not count`,
    )
  const ids =
    'code' in was
      ? row.sourceId === null
        ? []
        : [row.sourceId]
      : was.records.map((r) => r.sourceId)
  const other = ids.length > 0 && read.records.find((r) => !ids.includes(r.sourceId))
  return other
    ? refused(
        'OTHER_RECORD',
        `the message is of the record ${ids[0]}, not of ${other.sourceId}: discard it, and let its system send the other`,
      )
    : null
}

/**
 * Returns the newest version in a text, in microseconds since 1970; null if it has none or cannot
 * be read.
 */
function newestOf(
  { connectors }: ExceptionDesk,
  { system, format }: ExceptionRow,
  body: string,
  object: string | null,
): number | null {
  try {
    const changes = connectors.get(system)?.read(format, body, object) ?? []
    const versions = changes.flatMap((c) => (c.version === null ? [] : [Number(c.version)]))
    return versions.length === 0 ? null : Math.max(...versions)
  } catch (e) {
    if (e instanceof MessageError) return null
    throw e
  }
}

function refused(rule: ExceptionRule, detail: string): ExceptionOutcome {
  return { code: 'REFUSED', rule, detail }
}
