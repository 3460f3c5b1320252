import type { WriteAbility, Writing } from '../../connectors/connection/writing.ts'
import type { Connector, Inverted, OwnIds } from '../../connectors/contract.ts'
import type { WriteTarget } from '../../connectors/writeTarget.ts'

export type Raw = Record<string, unknown>

/** The mapping of a source system, in both directions. */
export interface TargetMapping {
  /** Returns the canonical fields of a raw record. */
  map(object: string, raw: Raw): Readonly<Record<string, unknown>>
  /** Returns the raw values by path that state a canonical value, or why there are none. */
  invert(object: string, field: string, value: unknown, raw: Raw, ownIds: OwnIds): Inverted
  /** Returns what the connection can write of an object; null where it can write nothing. */
  abilityOf(
    object: string,
  ): Pick<WriteAbility, 'goldenId' | 'given' | 'needs' | 'empties' | 'refusalOf'> | null
}

/** A source system that is written to, with its mapping. */
export interface Target extends WriteTarget {
  mapping: TargetMapping
}

/** Joins a target with its mapping and its connection. */
export function openTarget(
  target: WriteTarget,
  connector: Pick<Connector, 'map' | 'invert'>,
  writing: Pick<Writing, 'abilityOf'>,
): Target {
  return {
    ...target,
    mapping: {
      map: (object, raw) => connector.map(object, raw).fields,
      invert: (object, field, value, raw, ownIds) =>
        connector.invert(object, field, value, raw, ownIds),
      abilityOf: (object) => writing.abilityOf(object),
    },
  }
}

/** Returns whether a field of a golden type is written to a target. */
export function isFieldWritten({ types }: Target, type: string, field: string): boolean {
  const found = types.get(type)
  return !!found && (found.update.includes(field) || found.createFields.includes(field))
}
