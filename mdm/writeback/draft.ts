import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { pathKey } from '../../connectors/connection/definition/writeFields.ts'
import type { Json } from '../../connectors/connection/row.ts'
import type { OwnIds } from '../../connectors/contract.ts'
import { readAt, withValues } from '../../connectors/mapping/rawPath.ts'
import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy } from '../../schema/policy.ts'
import type { PlanInput } from './planInput.ts'
import { type FieldChange, type PlannedWrite, WAITS, WAITS_FOR_REFERENCE } from './plannedWrite.ts'
import { isSameValue } from './sameValue.ts'
import { type FieldRefusal, type PastWrite, refusedBefore } from './stop.ts'
import type { Raw } from './target.ts'

interface Inversion {
  changes: Record<string, FieldChange>
  values: Map<string, Json>
  /** Fields whose rules read what another field writes. */
  also: Map<string, string[]>
  raw: Raw
}

/** One write while its fields are put together. */
export class Draft {
  readonly #input: PlanInput
  readonly #at: Pick<PlannedWrite, 'operation' | 'object' | 'sourceId'>
  readonly #base: Raw
  readonly #baseFields: Readonly<Record<string, unknown>>
  readonly #set = new Map<string, { field: FieldPolicy; before: unknown; wished: unknown }>()
  readonly #refused: FieldRefusal[] = []
  #waitsFor: string | null = null

  constructor(
    input: PlanInput,
    operation: PlannedWrite['operation'],
    object: string,
    sourceId: string | null,
    base: Raw,
    baseFields: Readonly<Record<string, unknown>>,
  ) {
    this.#input = input
    this.#at = { operation, object, sourceId }
    this.#base = base
    this.#baseFields = baseFields
  }

  set(field: FieldPolicy, before: unknown, wished: unknown): void {
    this.#set.set(field.name, { field, before, wished })
  }

  refuse(refusal: FieldRefusal): void {
    this.#refused.push(refusal)
  }

  wait(field: FieldPolicy, goldenId: string): void {
    this.#waitsFor ??= goldenId
    this.refuse({
      field: field.name,
      code: WAITS_FOR_REFERENCE,
      detail: `${this.#input.target.source} has no record of ${field.typeName} ${goldenId} yet`,
    })
  }

  /** Returns the write, and the refusal of the fields that cannot be written, as far as there are. */
  finish(past: readonly PastWrite[]): PlannedWrite[] {
    const { changes, values, raw } = this.#invert()
    const different = [...values].filter(
      ([path, value]) => !isSameValue(readAt(this.#base, path), value),
    )
    const isCreate = this.#at.operation === 'CREATE' && different.length > 0
    const missing = isCreate && this.#waitsFor === null ? this.#missing(values) : []
    const others = isCreate ? this.#otherwiseGiven(raw) : []
    const isBarred = missing.length + others.length > 0
    if (missing.length > 0)
      this.refuse({
        field: '',
        code: 'MISSING_VALUES',
        detail: `${this.#input.target.source} creates no ${this.#at.object} without ${missing.join(', ')}`,
      })
    for (const { field, given, wished } of others)
      this.refuse({
        field,
        code: 'GIVEN_OTHERWISE',
        detail: `each new ${this.#at.object} of ${this.#input.target.source} has the ${field} ${dataText(given)}, and the golden record has ${dataText(wished)}: see given: of its create:`,
      })
    const waits = this.#refused.filter((r) => WAITS.has(r.code))
    const barred = this.#refused.filter((r) => !WAITS.has(r.code))
    const written = { ...(isCreate ? this.#given() : {}), ...Object.fromEntries(different) }
    const before = this.#at.operation === 'CREATE' ? {} : this.#base
    const former = Object.fromEntries(
      Object.keys(written).map((path) => [path, (readAt(before, path) ?? null) as Json]),
    )
    const writes: PlannedWrite[] = []
    if (!isBarred && different.length + waits.length > 0)
      writes.push({
        ...this.#at,
        ...{ changes, values: written, former, refused: waits, waitsFor: this.#waitsFor },
        // With the reasons, so that a write that waits for something else since is another plan.
        ...this.#named({ values: written, waits }, past),
      })
    if (barred.length > 0)
      writes.push({
        ...this.#at,
        ...{ changes: {}, values: {}, former: {}, refused: barred, waitsFor: null },
        ...this.#named({ refused: barred.map((r) => [r.field, r.code]) }, past),
      })
    return writes
  }

  /** Returns the values that each new record has. */
  #given(): Readonly<Record<string, Json>> {
    return this.#input.target.mapping.abilityOf(this.#at.object)?.given ?? {}
  }

  /** Returns the paths without whose values no record is created. */
  #missing(values: ReadonlyMap<string, Json>): string[] {
    const needs = this.#input.target.mapping.abilityOf(this.#at.object)?.needs ?? []
    // A mapping reads names in any case, and may write companyName for companyname.
    const all = [...Object.entries(this.#given()), ...values]
    const given = new Set(all.flatMap(([path, v]) => (v === null ? [] : pathKey(path))))
    return needs.filter((path) => !given.has(pathKey(path)))
  }

  /**
   * Returns the fields of a new record that would have another value than the golden record, because
   * each new record is given it: an organisation is created for no person.
   */
  #otherwiseGiven(raw: Raw): { field: string; given: unknown; wished: unknown }[] {
    const { golden, target } = this.#input
    const mapped = target.mapping.map(this.#at.object, raw)
    return golden.type.fields.flatMap((field) => {
      const wished = ownValue(golden.values, field.name) ?? null
      const given = ownValue(mapped, field.name) ?? null
      const isGiven = (ownValue(this.#baseFields, field.name) ?? null) !== null
      const isOther = isGiven && wished !== null && !holds(this.#input, field, given, wished)
      return isOther ? [{ field: field.name, given, wished }] : []
    })
  }

  #named(content: object, past: readonly PastWrite[]): Pick<PlannedWrite, 'hash' | 'isStopped'> {
    const hash = hashOf({ ...this.#at, ...content })
    return { hash, isStopped: refusedBefore(past, hash) }
  }

  /**
   * Inverts the fields one by one, each over the record with those before it, and maps the result. A
   * field whose value is not the wished one then is refused, and one that changes a field that is
   * not to be changed; and the rest is done again.
   */
  #invert(): Inversion {
    for (;;) {
      const made = this.#invertAll()
      const mapped = this.#input.target.mapping.map(this.#at.object, made.raw)
      const wrong = [...this.#set.values()].filter(
        ({ field, wished }) => !holds(this.#input, field, ownValue(mapped, field.name), wished),
      )
      const beside = [...made.also].filter(([, others]) =>
        others.some((name) => {
          if (this.#set.has(name) || this.#at.operation === 'CREATE') return false
          const now = ownValue(mapped, name)
          // A full name follows its parts: it has the golden value then, so nothing is lost.
          const { values } = this.#input.golden
          return ![this.#baseFields, values].some((of) => isSameValue(now, ownValue(of, name)))
        }),
      )
      const misplaced = this.#misplaced(made)
      if (wrong.length + beside.length + misplaced.length === 0) return made
      for (const [name, detail] of misplaced) this.#drop(name, 'NO_ELEMENT', detail)
      for (const { field } of wrong)
        this.#drop(field.name, 'NOT_INVERTIBLE', 'the record would be read with another value')
      for (const [name, others] of beside)
        if (this.#set.has(name))
          this.#drop(name, 'CHANGES_OTHERS', `it would change ${others.join(', ')} too`)
    }
  }

  /** Returns the fields for whose elements the record has no place, with the reason. */
  #misplaced({ changes, raw }: Inversion): [field: string, detail: string][] {
    const { object, operation } = this.#at
    const ability = this.#input.target.mapping.abilityOf(object)
    const action = operation === 'CREATE' ? 'create' : 'update'
    return Object.entries(changes).flatMap(([name, { paths }]) => {
      const details = paths.flatMap((path) => ability?.refusalOf(path, action, raw) ?? [])
      return details.slice(0, 1).map((detail): [string, string] => [name, detail])
    })
  }

  #invertAll(): Inversion {
    const { mapping, source } = this.#input.target
    const { object } = this.#at
    const ownIds: OwnIds = (of, other, value) => {
      const goldenId = of === source ? this.#input.goldenOf(value) : undefined
      if (goldenId === undefined) return []
      const records = this.#input.recordsOf(goldenId)
      return records.filter((r) => r.object === other).map((r) => r.sourceId)
    }
    const made: Inversion = { changes: {}, values: new Map(), also: new Map(), raw: this.#base }
    for (const [name, { before, wished }] of this.#set) {
      const inverted = mapping.invert(object, name, wished, made.raw, ownIds)
      if ('refused' in inverted) {
        this.#drop(name, inverted.refused.code, inverted.refused.detail)
        continue
      }
      const refusal = this.#refusalOf(inverted.values)
      if (refusal !== null) {
        if (this.#isWrittenLater(inverted.values)) this.#set.delete(name)
        else this.#drop(name, refusal.code, refusal.detail)
        continue
      }
      made.raw = withValues(made.raw, Object.fromEntries(inverted.values))
      for (const [path, value] of inverted.values) made.values.set(path, value)
      made.also.set(name, inverted.also)
      const paths = [...inverted.values.keys()]
      setOwn(made.changes, name, { before, after: wished, paths })
    }
    return made
  }

  /** Returns why one of these values is not written; null where all may be. */
  #refusalOf(values: ReadonlyMap<string, Json>): Omit<FieldRefusal, 'field'> | null {
    const { target } = this.#input
    const { object, operation, sourceId } = this.#at
    const ability = target.mapping.abilityOf(object)
    const notWritable = (detail: string) => ({ code: 'NOT_WRITABLE', detail })
    if (!ability) return notWritable(`${object} of ${target.source} cannot be written`)
    const isGoldenId = (path: string) =>
      ability.goldenId !== null && pathKey(path) === pathKey(ability.goldenId)
    for (const [path, value] of values) {
      const why = ability.refusalOf(path, operation === 'CREATE' ? 'create' : 'update')
      if (why !== null) return notWritable(why)
      if (value === null && !ability.empties)
        return notWritable(`${target.source} cannot empty ${path}`)
      if (operation === 'CREATE' || target.replacesGoldenIds || !isGoldenId(path)) continue
      const taken = readAt(this.#base, path) ?? ''
      if (taken !== '' && !isSameValue(taken, value))
        return {
          code: 'GOLDEN_ID_TAKEN',
          detail: `${object} ${sourceId} of ${target.source} holds "${dataText(taken)}" in ${path}, the place of its golden id, which no write replaces: empty it there, or set goldenIds: replace in write:`,
        }
    }
    return null
  }

  /** Returns whether values of a create are written by the update that follows it. */
  #isWrittenLater(values: ReadonlyMap<string, Json>): boolean {
    const ability = this.#input.target.mapping.abilityOf(this.#at.object)
    const isUpdated = (path: string) => ability?.refusalOf(path, 'update') === null
    return this.#at.operation === 'CREATE' && [...values.keys()].every(isUpdated)
  }

  #drop(field: string, code: string, detail: string): void {
    this.#set.delete(field)
    this.refuse({ field, code, detail })
  }
}

/** Returns whether a held value is the wished one. References are the same if their things are. */
export function holds({ goldenOf }: PlanInput, field: FieldPolicy, held: unknown, wished: unknown) {
  if (isSameValue(held, wished)) return true
  if (field.kind !== 'REFERENCE' || typeof held !== 'string' || typeof wished !== 'string')
    return false
  const goldenId = goldenOf(wished)
  return goldenId !== undefined && goldenOf(held) === goldenId
}

function hashOf(content: unknown): string {
  return createHash('sha256')
    .update(stringify(content) ?? '')
    .digest('base64url')
}
