import type { Connector } from './contract.ts'

/**
 * Returns a function that gives the type an object is mapped to, by any of its names: a golden
 * type, an operational object or `Kept`; null where no mapping has it.
 */
export function objectTypes(
  connectors: ReadonlyMap<string, Pick<Connector, 'objects' | 'objectName'>>,
): (system: string, object: string | null) => string | null {
  const known = new Map<string, ReadonlyMap<string, string>>()
  for (const [system, c] of connectors)
    known.set(system, new Map(c.objects.map((o) => [o.name, o.as])))
  return (system, object) => {
    if (object === null) return null
    const name = connectors.get(system)?.objectName(object)
    return (name && known.get(system)?.get(name)) || null
  }
}
