import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { pathKey } from '../../connectors/connection/definition/write.ts'
import type { Json } from '../../connectors/connection/row.ts'
import type { OwnIds } from '../../connectors/contract.ts'
import { readAt, withValues } from '../../connectors/mapping/rawPath.ts'
import type { WriteTargetType } from '../../connectors/writeTarget.ts'
import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, TypePolicy } from '../../schema/policy.ts'
import { ownerRank, type Provenance } from '../golden/survive.ts'
import { NOT_LOADED } from './loaded.ts'
import { isSameValue } from './sameValue.ts'
import { type FieldRefusal, type PastWrite, refusedBefore, stoppedField } from './stop.ts'
import type { Raw, Target } from './target.ts'
import { POSSIBLE_MATCH } from './undecided.ts'

/** A record of a golden record in the target. */
export interface TargetRecord {
  key: string
  object: string
  sourceId: string
  /** What the system holds: what it states, with what was written over it. */
  held: Raw
  /** Canonical fields of what it states itself, and of what it holds. */
  ownFields: Readonly<Record<string, unknown>>
  heldFields: Readonly<Record<string, unknown>>
}

export interface PlannedGolden {
  id: string
  type: TypePolicy
  values: Record<string, unknown>
  provenance: Readonly<Record<string, Provenance>>
}

/** The facts of one golden record and one target that its writes depend on. */
export interface PlanInput {
  golden: PlannedGolden
  target: Pick<Target, 'source' | 'role' | 'types' | 'mapping'>
  /** The live records of the golden record in the target. */
  records: readonly TargetRecord[]
  /** Whether a record is being created there. */
  isBeingCreated: boolean
  /** Another golden record that may be the same thing, and that has or gets a record there. */
  mayBe: MayBe | null
  /** Returns whether it is known which records the target has in an object. */
  isLoaded(object: string): boolean
  /** The record that it had there, and that was deleted or is one of another thing now. */
  former: string | null
  /** Returns the system of a source record of the golden record. */
  systemOf(key: string): { source: string; role: string } | undefined
  /** Returns the golden record that a reference names. */
  goldenOf(key: string): string | undefined
  /** Returns the records of a golden record in the target. */
  recordsOf(goldenId: string): readonly { key: string; object: string; sourceId: string }[]
  /** Returns the earlier writes of a record, or of the golden record where it has none, oldest first. */
  historyOf(object: string, sourceId: string | null): readonly PastWrite[]
}

/** A golden record that may be the same thing, by a task that is open. */
export interface MayBe {
  goldenId: string
  taskId: string
  /** Its record in the target; null where one is to be created. */
  record: { object: string; sourceId: string } | null
}

export interface FieldChange {
  /** Canonical values; a reference is a record key. */
  before: unknown
  after: unknown
  paths: string[]
}

/** One write that would bring a record in line with its golden record. */
export interface PlannedWrite {
  operation: 'CREATE' | 'UPDATE'
  object: string
  sourceId: string | null
  changes: Record<string, FieldChange>
  values: Record<string, Json>
  former: Record<string, Json>
  /** Fields that cannot be written. Without values the write is a refusal as a whole. */
  refused: FieldRefusal[]
  /** The golden record that the target has to hold before; without it nothing waits. */
  waitsFor: string | null
  hash: string
  /** Whether it was refused before, or in conflict too often, so that it is not planned again. */
  isStopped: boolean
}

/**
 * Returns what has to be written into a target so that its records hold the golden values of the
 * listed fields. A field is written where the golden value is of a source system that ranks above
 * the target, at this stage; or of a steward; or where the target holds what was written to it
 * before. A value that the target holds in another spelling is no difference. A pure function.
 */
export function planWrites(input: PlanInput): PlannedWrite[] {
  const { golden, target, records } = input
  const type = target.types.get(golden.type.name)
  if (!type) return []
  if (records.length > 0) return records.flatMap((record) => planUpdate(input, type, record) ?? [])
  const isWanted = !input.isBeingCreated && meetsWhen(type.createWhen, golden.values)
  return isWanted ? (planCreate(input, type) ?? []) : []
}

/** Returns whether golden values are those for which a target gets a new record. */
export function meetsWhen(
  when: ReadonlyMap<string, readonly string[]> | null,
  values: Record<string, unknown>,
): boolean {
  if (!when) return false
  return [...when].every(([field, allowed]) => {
    const value = ownValue(values, field) ?? null
    return value !== null && allowed.includes(dataText(value))
  })
}

function planUpdate(input: PlanInput, type: WriteTargetType, record: TargetRecord): PlannedWrite[] {
  const { golden } = input
  const { object, sourceId, ownFields, heldFields } = record
  const past = input.historyOf(object, sourceId)
  const draft = new Draft(input, 'UPDATE', object, sourceId, record.held, heldFields)
  for (const field of listedFields(golden.type, type.update)) {
    const before = ownValue(heldFields, field.name) ?? null
    const isOurs = !isSameValue(ownValue(ownFields, field.name), before)
    if (!isOurs && !outranks(input, field, record.key)) continue
    const wished = wishedValue(input, field)
    if (isMissing(wished)) draft.wait(field, wished.waitsFor)
    else if (!holds(input, field, before, wished)) {
      const stopped = stoppedField(past, field.name, wished)
      if (stopped) draft.refuse(stopped)
      else draft.set(field, before, wished)
    }
  }
  return draft.finish(past)
}

function planCreate(input: PlanInput, type: WriteTargetType): PlannedWrite[] {
  const { golden } = input
  const object = type.objects[0]
  if (object === undefined) return []
  const past = input.historyOf(object, null)
  const draft = new Draft(input, 'CREATE', object, null, {}, {})
  if (input.former !== null && !past.at(-1)?.isReleased) {
    draft.refuse({
      field: '',
      code: 'HAD_A_RECORD',
      detail: `${input.target.source} had ${object} ${input.former}, which was deleted or belongs to another thing now: a new one is created only if a person releases this`,
    })
    return draft.finish(past)
  }
  if (!input.isLoaded(object))
    draft.refuse({
      field: '',
      code: NOT_LOADED,
      detail: `it is not known yet whether ${input.target.source} has a record: ${object} has to be read as a whole first (touchstone sync status ${input.target.source})`,
    })
  if (input.mayBe)
    draft.refuse({ field: '', code: POSSIBLE_MATCH, detail: mayBeText(input, input.mayBe) })
  for (const field of listedFields(golden.type, type.createFields)) {
    const wished = wishedValue(input, field)
    if (isMissing(wished)) draft.wait(field, wished.waitsFor)
    else if (wished !== null) draft.set(field, null, wished)
  }
  return draft.finish(past)
}

function mayBeText({ golden, target }: PlanInput, { goldenId, taskId, record }: MayBe): string {
  const has = record ? `has ${record.object} ${record.sourceId}` : 'comes first'
  return `this ${golden.type.name} may be ${goldenId}, which ${has} in ${target.source}: decide task ${taskId}`
}

function listedFields(type: TypePolicy, names: readonly string[]): FieldPolicy[] {
  return type.fields.filter((f) => names.includes(f.name))
}

/** Returns whether the origin of a golden value ranks above the target at this stage. */
function outranks({ golden, target, systemOf }: PlanInput, field: FieldPolicy, key: string) {
  const origin = ownValue(golden.provenance, field.name)
  if (!origin) return false
  if (origin.u === 'STEWARD') return true
  if (origin.r.includes(key)) return false
  const ranks = origin.r.flatMap((k) => {
    const system = systemOf(k)
    return system ? ownerRank(field, golden.values, system) : []
  })
  return Math.min(...ranks) < ownerRank(field, golden.values, target)
}

/** The golden record that a reference names and that the target lacks. */
interface MissingRecord {
  waitsFor: string
}
class Missing implements MissingRecord {
  readonly waitsFor: string
  constructor(waitsFor: string) {
    this.waitsFor = waitsFor
  }
}

function isMissing(wished: unknown): wished is MissingRecord {
  return wished instanceof Missing
}

/** Returns the canonical value that the target has to hold; null where it has to hold none. */
function wishedValue(input: PlanInput, field: FieldPolicy): unknown {
  const value = ownValue(input.golden.values, field.name) ?? null
  if (field.kind !== 'REFERENCE' || typeof value !== 'string') return value
  const goldenId = input.goldenOf(value)
  // A record that never arrived is in no target, and its own key is the only name it has.
  if (goldenId === undefined) return new Missing(value)
  return input.recordsOf(goldenId).length > 0 ? value : new Missing(goldenId)
}

/** Returns whether a held value is the wished one. References are the same if their things are. */
function holds({ goldenOf }: PlanInput, field: FieldPolicy, held: unknown, wished: unknown) {
  if (isSameValue(held, wished)) return true
  if (field.kind !== 'REFERENCE' || typeof held !== 'string' || typeof wished !== 'string')
    return false
  const goldenId = goldenOf(wished)
  return goldenId !== undefined && goldenOf(held) === goldenId
}

interface Inversion {
  changes: Record<string, FieldChange>
  values: Map<string, Json>
  /** Fields whose rules read what another field writes. */
  also: Map<string, string[]>
  raw: Raw
}

/** One write while its fields are put together. */
class Draft {
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
    const { changes, values } = this.#invert()
    const different = [...values].filter(
      ([path, value]) => !isSameValue(readAt(this.#base, path), value),
    )
    const isCreate = this.#at.operation === 'CREATE' && different.length > 0
    const missing = isCreate && this.#waitsFor === null ? this.#missing(values) : []
    if (missing.length > 0)
      this.refuse({
        field: '',
        code: 'MISSING_VALUES',
        detail: `${this.#input.target.source} creates no ${this.#at.object} without ${missing.join(', ')}`,
      })
    const waits = this.#refused.filter((r) => WAITS.has(r.code))
    const barred = this.#refused.filter((r) => !WAITS.has(r.code))
    const written = Object.fromEntries(different)
    const former = Object.fromEntries(
      different.map(([path]) => [path, (readAt(this.#base, path) ?? null) as Json]),
    )
    const writes: PlannedWrite[] = []
    if (missing.length === 0 && different.length + waits.length > 0)
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

  /** Returns the paths without whose values no record is created. */
  #missing(values: ReadonlyMap<string, Json>): string[] {
    const needs = this.#input.target.mapping.abilityOf(this.#at.object)?.needs ?? []
    // A mapping reads names in any case, and may write companyName for companyname.
    const given = new Set([...values].flatMap(([path, v]) => (v === null ? [] : pathKey(path))))
    return needs.filter((path) => !given.has(pathKey(path)))
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
          return !isSameValue(ownValue(mapped, name), ownValue(this.#baseFields, name))
        }),
      )
      if (wrong.length === 0 && beside.length === 0) return made
      for (const { field } of wrong)
        this.#drop(field.name, 'NOT_INVERTIBLE', 'the record would be read with another value')
      for (const [name, others] of beside)
        if (this.#set.has(name))
          this.#drop(name, 'CHANGES_OTHERS', `it would change ${others.join(', ')} too`)
    }
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
        this.#drop(name, 'NOT_WRITABLE', refusal)
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

  /** Returns why the connection cannot write one of these values; null where it can. */
  #refusalOf(values: ReadonlyMap<string, Json>): string | null {
    const { target } = this.#input
    const { object, operation } = this.#at
    const ability = target.mapping.abilityOf(object)
    if (!ability) return `${object} of ${target.source} cannot be written`
    for (const [path, value] of values) {
      const why = ability.refusalOf(path, operation === 'CREATE' ? 'create' : 'update')
      if (why !== null) return why
      if (value === null && !ability.empties) return `${target.source} cannot empty ${path}`
    }
    return null
  }

  #drop(field: string, code: string, detail: string): void {
    this.#set.delete(field)
    this.refuse({ field, code, detail })
  }
}

const WAITS_FOR_REFERENCE = 'WAITS_FOR_REFERENCE'
/** Codes of what ends by itself. */
const WAITS: ReadonlySet<string> = new Set([WAITS_FOR_REFERENCE, NOT_LOADED, POSSIBLE_MATCH])
const CREATES_WAIT: ReadonlySet<string> = new Set([NOT_LOADED, POSSIBLE_MATCH])

/**
 * Returns whether a write waits: until the target has another record, was read as a whole, or people
 * decided whether it has the thing already.
 */
export function isWaiting({ operation, values, waitsFor, refused }: PlannedWrite): boolean {
  if (operation === 'CREATE' && refused.some((r) => CREATES_WAIT.has(r.code))) return true
  return waitsFor !== null && (operation === 'CREATE' || Object.keys(values).length === 0)
}

function hashOf(content: unknown): string {
  return createHash('sha256')
    .update(stringify(content) ?? '')
    .digest('base64url')
}
