import { bounds } from './bounds.ts'
import { MessageError, type RecordChange, type StatedOrder } from './contract.ts'
import type { Mapping } from './mapping/compileMapping.ts'
import { checkedId } from './mapping/identity.ts'
import { scopeOf } from './mapping/path.ts'

/** Facts that the message states beside the record; they override those of the record. */
export interface StatedFacts {
  id?: string | null
  version?: bigint | null
  deleted?: boolean
  partial?: boolean
  order?: StatedOrder
}

/**
 * Returns the changes that one raw record stands for: its own and those of derived objects. Throws
 * MessageError UNKNOWN_OBJECT, MISSING_ID, ID_TOO_LONG or INVALID_VERSION.
 */
export function changesOf(
  mapping: Mapping,
  object: string,
  raw: Record<string, unknown>,
  stated: StatedFacts = {},
): RecordChange[] {
  const mapped = mapping.require(object)
  const scope = scopeOf(raw)
  const changes: RecordChange[] = []
  // A deletion without a record does not say which of the derived objects there were.
  const unseen = stated.deleted === true && stated.partial === true
  for (const target of [mapped, ...mapped.derived]) {
    const ownId = target !== mapped && target.hasOwnId
    if (unseen ? ownId : !target.applies(scope)) continue
    const sourceId = stated.id && !ownId ? mapping.idForm(checkedId(stated.id)) : target.idOf(scope)
    if (!sourceId)
      throw new MessageError(
        'MISSING_ID',
        `a record of ${target.name} has no id, so it cannot be distinguished from others`,
        {
          object: target.name,
        },
      )
    if (sourceId.length > bounds.sourceIdCharsMax)
      throw new MessageError(
        'ID_TOO_LONG',
        `the id has ${sourceId.length} characters; at most ${bounds.sourceIdCharsMax} are allowed`,
        {
          object: target.name,
        },
      )
    changes.push({
      object: target.name,
      sourceId,
      version: stated.version !== undefined ? stated.version : versionOf(target, scope, sourceId),
      deleted: stated.deleted ?? target.deletedOf(scope),
      partial: stated.partial ?? false,
      raw,
      ...(stated.order ? { order: stated.order } : {}),
    })
  }
  return changes
}

function versionOf(
  target: { name: string; versionOf(scope: ReturnType<typeof scopeOf>): bigint | null },
  scope: ReturnType<typeof scopeOf>,
  sourceId: string,
): bigint | null {
  try {
    return target.versionOf(scope)
  } catch (e) {
    if (e instanceof MessageError)
      throw new MessageError(e.code, e.message, {
        object: target.name,
        sourceId,
        field: e.at.field ?? 'version',
      })
    throw e
  }
}
