import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { AuditKey, KeyRing } from './auditKeys.ts'
import { encodeParts } from './encodeParts.ts'

/** The type of a head as an event, and in each line of a file of heads. */
export const HEAD_TYPE = 'touchstone.audit.head'

/**
 * A statement about the audit log that leaves the database: at this time it ended with that hash.
 */
export interface AuditHead {
  /** The id of the log. */
  chain: string
  /** The number of its last entry. */
  position: number
  /** The hash of that entry, in hex. */
  hash: string
  /** When it was stated. */
  at: string
  /** How many entries the log has, without those that have expired. */
  entries: number
  /** The first entry at which the sender found the log broken; absent if it found no break. */
  broken?: number | undefined
  /** The id of the key that signs this statement. */
  key: string
  /** HMAC-SHA-256 over all of it, in hex. */
  mac: string
}

const hex = z.string().regex(/^([0-9a-f]{2})*$/)
const HEAD = z.object({
  type: z.literal(HEAD_TYPE).optional(),
  chain: z.uuid(),
  position: z.number().int().min(0),
  hash: hex,
  at: z.string(),
  entries: z.number().int().min(0),
  broken: z.number().int().optional(),
  key: z.string(),
  mac: hex,
})

export function signHead(key: AuditKey, facts: Omit<AuditHead, 'key' | 'mac'>): AuditHead {
  const head = { ...facts, key: key.id }
  return { ...head, mac: macOf(key, head).toString('hex') }
}

function macOf(key: AuditKey, head: Omit<AuditHead, 'mac'>): Buffer {
  return createHmac('sha256', key.secret)
    .update(
      encodeParts([
        head.broken === undefined ? 'touchstone audit head 1' : 'touchstone audit head 2',
        head.chain,
        head.position,
        head.hash,
        head.at,
        head.entries,
        ...(head.broken === undefined ? [] : [head.broken]),
        head.key,
      ]),
    )
    .digest()
}

/** Returns whether the head is as it was signed. Null: this process does not have its key. */
export function isSignedHead(ring: KeyRing, head: AuditHead): boolean | null {
  const key = ring.find((k) => k.id === head.key)
  if (!key) return null
  const [given, expected] = [Buffer.from(head.mac, 'hex'), macOf(key, head)]
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Returns a head as one line of a file. */
export function headLine(head: AuditHead): string {
  return `${JSON.stringify({ type: HEAD_TYPE, ...head })}\n`
}

/**
 * Reads a head from a line: of a file of heads, of a log (`auditHead`), or the body of a webhook
 * (`data`). Text before the JSON, as log collectors add it, is skipped, and a line that is a text in
 * JSON is taken out of it. Returns OTHER for a line that is not about heads, DAMAGED for one that is
 * and cannot be read. A line without the type of heads that has their fields is damaged too:
 * somebody who edits the type must not hide the head.
 */
export function readHeadLine(line: string): AuditHead | 'OTHER' | 'DAMAGED' {
  if (!isAboutHead(line)) return hasFieldsOfHead(line) ? 'DAMAGED' : 'OTHER'
  const found = HEAD.safeParse(headIn(jsonIn(line)))
  if (!found.success) return 'DAMAGED'
  const { type: _, ...head } = found.data
  return head
}

/** A collector of logs that keeps each line as a text in JSON escapes its quotes. */
const auditHeadField = /"auditHead\\?"/

function isAboutHead(text: string): boolean {
  return text.includes(HEAD_TYPE) || auditHeadField.test(text)
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line.slice(line.indexOf('{')))
  } catch {
    return undefined // no head
  }
}

/** Returns whether a line is one of a file that has nothing but heads, as `headLine` writes it. */
export function isLineOfHeadFile(line: string): boolean {
  return line.startsWith(`{"type":"${HEAD_TYPE}"`)
}

/** Lines of other programs have one or two fields of these names. */
const fieldsMin = 3

function hasFieldsOfHead(line: string): boolean {
  const fields = line.matchAll(/"(chain|position|hash|entries|mac)\\?"/g)
  return new Set(Array.from(fields, ([, name]) => name)).size >= fieldsMin
}

function headIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('auditHead' in value) return value.auditHead
  if ('data' in value) return value.data
  const line = Object.values(value).find(
    (v) => typeof v === 'string' && v !== HEAD_TYPE && isAboutHead(v),
  )
  return typeof line === 'string' ? headIn(jsonIn(line)) : value
}
