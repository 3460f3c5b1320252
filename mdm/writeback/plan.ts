import { withValues } from '../../connectors/mapping/rawPath.ts'
import type { WriteTargetType } from '../../connectors/writeTarget.ts'
import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, TypePolicy } from '../../schema/policy.ts'
import { ownerRank } from '../golden/survive.ts'
import { Draft, holds } from './draft.ts'
import { NOT_LOADED } from './loaded.ts'
import type { MayBe, PlanInput, TargetRecord } from './planInput.ts'
import type { PlannedWrite } from './plannedWrite.ts'
import { isSameValue } from './sameValue.ts'
import { stoppedField } from './stop.ts'
import { POSSIBLE_MATCH } from './undecided.ts'

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
  const { mapping } = input.target
  const base = withValues({}, mapping.abilityOf(object)?.given ?? {})
  const draft = new Draft(input, 'CREATE', object, null, base, mapping.map(object, base))
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
