import { hash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { storableJson } from '../schema/storable.ts'
import { changesOf } from './changesOf.ts'
import type { PulledRow } from './connection/contract.ts'
import { type InboundMessage, MessageError, type RecordChange } from './contract.ts'
import type { Mapping } from './mapping/compileMapping.ts'
import { checkedId } from './mapping/identity.ts'

/** The only member of a message that holds a pulled row. */
const MEMBER = '$pulled'

/** A row of a page, with the facts that the system states beside its record. */
interface Pulled {
  id: string
  version: string | null
  deleted: boolean
  /** The statement counts from its arrival, whatever version the row has. */
  arrival?: true
  record: Record<string, unknown> | null
  /** The record is the stored one, which shows what was derived from it; it states no fields. */
  stored?: true
}

/** How a row is stated, where its content is stored already or its version cannot count. */
export interface Restatement {
  /** Makes the key of a repeated content unique. */
  again?: string
  arrival?: boolean
  /** The stored record of a row that is reported as deleted without its record. */
  stored?: Record<string, unknown>
}

/**
 * Returns the message of a pulled row. Its key is made from object, id, version and content, so a
 * row that is read twice is stored once.
 */
export function pulledMessage(row: PulledRow, restated: Restatement = {}): InboundMessage {
  const { object, id, version, deleted, record } = row
  const pulled: Pulled = {
    id,
    version,
    deleted,
    ...(restated.arrival ? { arrival: true } : {}),
    ...(restated.stored ? { record: restated.stored, stored: true } : { record }),
  }
  return {
    messageId: restated.again === undefined ? keyOf(row) : `${keyOf(row)}@${restated.again}`,
    object,
    format: 'row',
    body: storableJson({ [MEMBER]: pulled }),
  }
}

function keyOf({ object, id, version, deleted, record }: PulledRow): string {
  const content = stringify([object, id, version, deleted, record]) ?? ''
  return `pull:${hash('sha256', content, 'base64url')}`
}

/**
 * Returns the changes in the body of a pulled row, alike for every kind; null for another body. The
 * stated version counts before that of the mapping. Throws MessageError.
 */
export function readPulled(
  mapping: Mapping,
  body: Record<string, unknown>,
  object: string | null,
  readRow: (record: Record<string, unknown>) => RecordChange[],
): RecordChange[] | null {
  const pulled = pulledIn(body)
  if (!pulled) return null
  if (object === null) throw new MessageError('NO_OBJECT', 'a pulled row has no object')
  const base = mapping.require(object).name
  const id = mapping.idForm(checkedId(pulled.id))
  const at = { object: base, sourceId: id, field: 'version' }
  const version = pulled.arrival
    ? null
    : pulled.version === null
      ? undefined
      : mapping.momentOf(pulled.version, at)
  if (pulled.record === null)
    return changesOf(
      mapping,
      object,
      {},
      { id, version: version ?? null, deleted: true, partial: true },
    )
  return readRow(pulled.record).map((change) => {
    if (change.object === base && change.sourceId !== id)
      throw new MessageError(
        'INVALID_ID',
        `the connection states the id ${id}, the mapping reads ${change.sourceId}: id: must name the same field in both`,
        at,
      )
    return {
      ...change,
      version: version === undefined ? change.version : version,
      deleted: pulled.deleted || change.deleted,
      ...(pulled.stored ? { raw: {}, partial: true } : {}),
    }
  })
}

function pulledIn(body: Record<string, unknown>): Pulled | null {
  if (!Object.hasOwn(body, MEMBER) || Object.keys(body).length !== 1) return null
  const pulled = body[MEMBER] as Partial<Pulled> | null
  return typeof pulled?.id === 'string' && typeof pulled.deleted === 'boolean'
    ? (pulled as Pulled)
    : null
}
