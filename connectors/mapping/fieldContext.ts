import type { Issue } from '../contract.ts'
import type { CodeList } from './codes.ts'
import type { DecimalSeparator } from './number.ts'
import type { Scope } from './path.ts'
import type { IsPlaceholder } from './placeholders.ts'
import type { Fail } from './rule.ts'
import type { TimeForms } from './time.ts'

/** Context that the compiler of a field takes from the mapping around it. */
export interface FieldContext {
  source: string
  times: TimeForms
  separator: DecimalSeparator
  isPlaceholder: IsPlaceholder
  /** Brings a source id to the form in which it is a key. */
  idForm(id: string): string
  /**
   * Decimals by which the source shifts amounts in minor units, where they differ from ISO 4217.
   */
  minorExponents: Readonly<Record<string, number>>
  /**
   * The object's name in the mapping and its golden type; throws for an object that the mapping
   * lacks.
   */
  target(object: string, at: readonly PropertyKey[]): { object: string; as: string }
  /** The system's code list of this name; null where it has none, and codes stay as they are. */
  codes(list: string): CodeList | null
  fail: Fail
}

/** Returns a field's canonical value, or undefined; appends to `issues` what was wrong. */
export type Evaluate = (scope: Scope, issues: Issue[]) => unknown
