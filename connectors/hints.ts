import { bounds } from './bounds.ts'
import type { SourceConnection } from './connection/sourceConnection.ts'
import { MessageError, type RecordHint } from './contract.ts'
import type { Delivery, Kind } from './kind.ts'
import type { Mapping } from './mapping/compileMapping.ts'
import { checkedId } from './mapping/identity.ts'

type Fields = Record<string, unknown>

/** Returns the records that an event names and that are read again; null where it counts itself. */
export type HintsOf = (
  event: Fields,
  object: string | null,
  delivery: Delivery,
) => RecordHint[] | null

/**
 * Returns how hints are found in the events of a source system; null where none are, because it
 * cannot be asked. `always`: each event is a hint. One whose records cannot be read counts itself,
 * as without a connection.
 */
export function hintReader(
  kind: Kind,
  mapping: Mapping,
  connection: SourceConnection | undefined,
  always: boolean,
): HintsOf | null {
  const { named } = kind
  if (!connection || !named || !(always || kind.isHint)) return null
  const readable = readableObjects(mapping, connection)
  return (event, object, delivery) => {
    if (!always && !kind.isHint?.(event)) return null
    try {
      const records = named(mapping, event, object, delivery) ?? []
      const hints = records.flatMap(({ object, id, deleted }): RecordHint[] => {
        const name = readable.get(mapping.find(object)?.name ?? '')
        const known = id === null ? null : mapping.idForm(checkedId(id))
        if (name === undefined || (known ?? '').length > bounds.sourceIdCharsMax) return []
        return [{ object: name, id: known, gone: deleted }]
      })
      return hints.length === 0 || hints.length < records.length ? null : hints
    } catch (e) {
      // As a message it becomes an exception, with its reason.
      if (e instanceof MessageError) return null
      throw e
    }
  }
}

/** Returns the objects whose single records can be read, by their names in the mapping. */
function readableObjects(
  mapping: Mapping,
  { definition, objects }: SourceConnection,
): Map<string, string> {
  const readable = new Map<string, string>()
  for (const name of objects) {
    const mapped = mapping.find(name)?.name
    if (mapped === undefined || !definition.objects.get(name)?.read) continue
    if (!readable.has(mapped)) readable.set(mapped, name)
  }
  return readable
}
