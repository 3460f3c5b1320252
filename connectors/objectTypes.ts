import type { Connector } from './contract.ts'

/**
 * Returns a function that gives the type an object is mapped to, by any of its names: a golden
 * type, an operational object or `Kept`; null where no mapping has it.
 */
export function objectTypes(
  connectors: ReadonlyMap<string, Pick<Connector, 'objects' | 'objectName'>>,
): (system: string, object: string | null) => string | null {
  return (system, object) => {
    const connector = connectors.get(system)
    const name = object === null ? null : connector?.objectName(object)
    return connector?.objects.find((o) => o.name === name)?.as ?? null
  }
}
