import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, TypePolicy } from '../../schema/policy.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Caller } from '../access/caller.ts'
import type { Transaction } from '../db/database.ts'
import { valueFault } from '../golden/statedValue.ts'
import { isLive, type ResolutionContext } from '../resolution/context.ts'
import type { Partition } from './actions.ts'
import { expiredOn, standingOn, standingPairs } from './assertions.ts'
import { type ActionRequest, type BulkItem, type Choice, goldenIdsOf } from './input.ts'
import {
  type LockedGoldenRecord,
  lockGoldenRecords,
  type Member,
  readMember,
} from './lockedGoldenRecords.ts'
import { ActionAborted, refuse } from './outcome.ts'
import { everyTwo, type NewAssertion, pairsApart, partition, type Statements } from './partition.ts'

/** The assertions of an action and what must hold after it. */
export interface Plan {
  type: TypePolicy
  /** Ids of the records where resolution starts. */
  seeds: number[]
  /** Golden ids and record keys that the action concerns. */
  subjects: string[]
  before: Partition
  statements: Statements
  /** Records that must be together after the action, group by group; null if none move. */
  groups: string[][] | null
}

/** Golden records that one action may name. Larger jobs need several actions. */
const idsMax = 100
/** NOT_SAME pairs of records that one action may state. */
const pairsMax = 50_000

/** Plans an action under the locks of the golden records that it names. Throws ActionAborted. */
export async function planAll(
  tx: Transaction,
  mastering: ResolutionContext,
  caller: Caller,
  items: readonly BulkItem[],
  expected: ActionRequest['expected'],
): Promise<Plan[]> {
  const named = new Set(items.flatMap(goldenIdsOf).map((id) => id.toLowerCase()))
  if (named.size > idsMax)
    refuse(
      'TOO_MANY_IDS',
      `the action names ${named.size} golden records; at most ${idsMax} at once`,
    )
  const records = new Map<string, Member>()
  for (const item of items) {
    if (item.kind !== 'ATTACH' && item.kind !== 'UNMERGE') continue
    const record = await readMember(tx, item.record)
    if (!record?.goldenId)
      return refuse('UNKNOWN_ID', `${item.record} is no source record of a golden type`)
    records.set(item.record, record)
    if (item.kind === 'ATTACH' && item.from === undefined) named.add(record.goldenId)
  }
  const held = await lockGoldenRecords(tx, [...named])
  checkCurrent([...named], held, expected)
  await checkTasks(tx, items)
  const taken = new Set<string>()
  const plans: Plan[] = []
  for (const item of items) {
    const plan = await planOne(tx, mastering, caller, item, held, records)
    for (const [id] of plan.before) {
      if (taken.has(id))
        refuse('OVERLAPPING_ITEMS', `two items of the bulk action are about golden record ${id}`)
      taken.add(id)
    }
    plans.push(plan)
  }
  return plans
}

/** Checks that every golden record exists and has the version that the steward saw. */
function checkCurrent(
  ids: string[],
  held: ReadonlyMap<string, LockedGoldenRecord>,
  expected: ActionRequest['expected'],
): void {
  for (const id of ids) if (!held.has(id)) refuse('UNKNOWN_ID', `there is no golden record ${id}`)
  const unseen = ids.find((id) => ownValue(expected, id) === undefined)
  if (unseen)
    refuse('MISSING_VERSION', `say which version of golden record ${unseen} you have seen`)
  const current = ids.map((id) => held.get(id)).filter((h) => h !== undefined)
  const stale = current.filter((h) => h.version !== ownValue(expected, h.id))
  if (stale.length > 0)
    throw new ActionAborted({
      code: 'CONFLICT',
      current: stale.map(({ id, version, state, redirect }) => ({ id, version, state, redirect })),
    })
}

/**
 * Checks that the tasks which are decided are open. A decision that leaves the versions as they are,
 * such as "not a match", is seen by this alone; the locks of the golden records order the two.
 */
async function checkTasks(tx: Transaction, items: readonly BulkItem[]): Promise<void> {
  const ids = items.flatMap((item) => ('task' in item && item.task ? [item.task] : []))
  const malformed = ids.find((id) => !isUuid(id))
  if (malformed) refuse('UNKNOWN_TASK', `there is no task ${malformed}`)
  if (ids.length === 0) return
  const tasks = await tx<{ id: string; state: string; because: string | null }[]>`
    select id, state, closed_because as because from task where id = any(${ids}::uuid[])`
  for (const id of ids) {
    const task = tasks.find((t) => t.id === id.toLowerCase())
    if (!task) return refuse('UNKNOWN_TASK', `there is no task ${id}`)
    if (task.state === 'CLOSED')
      refuse('TASK_CLOSED', `the task was decided meanwhile: ${task.because ?? 'it is closed'}`)
  }
}

async function planOne(
  tx: Transaction,
  mastering: ResolutionContext,
  caller: Caller,
  item: BulkItem,
  held: ReadonlyMap<string, LockedGoldenRecord>,
  records: ReadonlyMap<string, Member>,
): Promise<Plan> {
  switch (item.kind) {
    case 'MERGE':
      return await merge(tx, mastering, caller, item, held)
    case 'NOT_A_MATCH': {
      const about = several(item.ids, held)
      return await regroup(tx, mastering, about, about.map(keysOf), 'apart', [])
    }
    case 'UNMERGE':
      return await split(tx, mastering, active(held, item.id), [[item.record]])
    case 'SPLIT':
      return await split(tx, mastering, active(held, item.id), item.groups)
    case 'ATTACH': {
      const record = records.get(item.record)
      const [from, to] = [active(held, item.from ?? record?.goldenId ?? ''), active(held, item.to)]
      return await attach(tx, mastering, from, to, item.record)
    }
    case 'OVERRIDE':
      return await override(
        tx,
        mastering,
        caller,
        active(held, item.id),
        item.field,
        item.value,
        item.expiresAt,
      )
    case 'LIFT':
      return await lift(tx, mastering, caller, active(held, item.id), item.field)
    case 'SET_PARENT': {
      const golden = active(held, item.id)
      const type = mastering.policy.type(golden.type)
      const field = type.fields.find(
        (f) => f.kind === 'REFERENCE' && f.typeName === type.name && !f.list,
      )
      if (!field)
        return refuse('NO_HIERARCHY', `golden records of type ${type.name} have no parent`)
      if (item.parent !== null) active(held, item.parent)
      const plan = await override(tx, mastering, caller, golden, field.name, item.parent, null)
      return {
        ...plan,
        subjects: [...plan.subjects, ...(item.parent ? [item.parent.toLowerCase()] : [])],
      }
    }
    case 'RETIRE': {
      const golden = active(held, item.id)
      return only(mastering, golden, { append: [{ kind: 'RETIRED', a: golden.id }], withdraw: [] })
    }
    case 'EXPIRE': {
      const golden = one(held, item.id)
      return only(mastering, golden, { append: [], withdraw: await expiredOn(tx, keysOf(golden)) })
    }
    case 'RESTORE': {
      const golden = one(held, item.id)
      const withdraw = await standingOn(tx, 'RETIRED', [golden.id])
      if (golden.state !== 'DELETED' || withdraw.length === 0)
        refuse('NOT_RETIRED', `golden record ${golden.id} is not one that a steward has retired`)
      return only(mastering, golden, { append: [], withdraw })
    }
  }
}

async function merge(
  tx: Transaction,
  mastering: ResolutionContext,
  caller: Caller,
  item: Extract<BulkItem, { kind: 'MERGE' }>,
  held: ReadonlyMap<string, LockedGoldenRecord>,
): Promise<Plan> {
  const about = several(item.ids, held)
  const members = about.flatMap((h) => h.members).sort((a, b) => a.id - b.id)
  const survivor = about.toSorted(
    (a, b) => (a.members[0]?.id ?? 0) - (b.members[0]?.id ?? 0),
  )[0] as LockedGoldenRecord
  const type = mastering.policy.type(survivor.type)
  const values: NewAssertion[] = []
  for (const choice of item.choices) {
    const field = fieldOf(type, caller, choice.field)
    const value = chosen(choice, about, members)
    if (values.some((v) => v.kind === 'VALUE' && v.field === field.name))
      refuse('BAD_CHOICE', `two choices are about ${field.name}`)
    await checkValue(tx, mastering, field, value ?? null)
    values.push({
      kind: 'VALUE',
      a: survivor.id,
      field: field.name,
      value: value ?? null,
      expiresAt: null,
    })
  }
  return await regroup(tx, mastering, about, [members.map((m) => m.key)], 'together', values)
}

/** Returns the value that a choice names; undefined if the record has none. */
function chosen(
  choice: Choice,
  about: readonly LockedGoldenRecord[],
  members: readonly Member[],
): unknown {
  const { field } = choice
  if (['golden', 'record', 'value'].filter((name) => Object.hasOwn(choice, name)).length !== 1)
    refuse(
      'BAD_CHOICE',
      `say of ${field} whose value it takes: give one of golden, source and value`,
    )
  if ('value' in choice) return choice.value
  const [id, from] =
    'golden' in choice
      ? [choice.golden, about.find((h) => h.id === choice.golden.toLowerCase())?.values]
      : [choice.record, members.find((m) => m.key === choice.record.toLowerCase())?.canonical]
  if (!from)
    return refuse(
      'NOT_A_MEMBER',
      `${field} cannot be that of ${id}, which is not among what is merged`,
    )
  return ownValue(from, field)
}

/** Moves groups of records out of a golden record. Records that no group names stay. */
async function split(
  tx: Transaction,
  mastering: ResolutionContext,
  golden: LockedGoldenRecord,
  named: string[][],
): Promise<Plan> {
  const out = named.map((keys) => keys.map((k) => k.toLowerCase()))
  const all = out.flat()
  const members = new Map(golden.members.map((m) => [m.key, m]))
  for (const key of all)
    if (!members.has(key))
      refuse('NOT_A_MEMBER', `source record ${key} does not belong to golden record ${golden.id}`)
  if (new Set(all).size < all.length)
    refuse('OVERLAPPING_GROUPS', 'a source record is named in two groups, or twice')
  const rest = golden.members.filter((m) => !all.includes(m.key)).map((m) => m.key)
  const groups = [rest, ...out].filter((keys, i) => i > 0 || keys.length > 0)
  if (groups.length < 2)
    refuse('EMPTIES_RECORD', 'one group of all its records leaves the golden record as it is')
  for (const keys of groups)
    if (!keys.some((k) => isLive(members.get(k) as Member)))
      refuse(
        'EMPTIES_RECORD',
        `${keys.length === 0 ? 'a group is empty' : `no live source record would be left with ${keys[0]}`}: a golden record needs one`,
      )
  const byAge = groups.map((keys) =>
    golden.members.filter((m) => keys.includes(m.key)).map((m) => m.key),
  )
  return await regroup(tx, mastering, [golden], byAge, 'apart', [])
}

async function attach(
  tx: Transaction,
  mastering: ResolutionContext,
  from: LockedGoldenRecord,
  to: LockedGoldenRecord,
  key: string,
): Promise<Plan> {
  if (from.id === to.id)
    refuse('ALREADY_THERE', `source record ${key} belongs to golden record ${to.id} already`)
  if (from.type !== to.type)
    refuse('ACROSS_TYPES', `${from.id} is a ${from.type}, ${to.id} a ${to.type}`)
  const moved = from.members.filter((m) => m.key === key.toLowerCase())
  if (moved.length === 0)
    refuse('NOT_A_MEMBER', `source record ${key} does not belong to golden record ${from.id}`)
  const rest = from.members.filter((m) => m.key !== key.toLowerCase())
  if (!rest.some(isLive))
    refuse(
      'EMPTIES_RECORD',
      `no live source record would be left in ${from.id}: merge the two golden records instead`,
    )
  const joined = [...to.members, ...moved].sort((a, b) => a.id - b.id)
  const plan = await regroup(
    tx,
    mastering,
    [from, to],
    [rest.map((m) => m.key), joined.map((m) => m.key)],
    'none',
    [],
  )
  const apart = partition([rest.map((m) => m.key), moved.map((m) => m.key)], [[0, 1]], [])
  plan.statements.append.push(...apart.append.filter((a) => a.kind === 'NOT_SAME'))
  return { ...plan, subjects: [...plan.subjects, ...moved.map((m) => m.key)] }
}

async function override(
  tx: Transaction,
  mastering: ResolutionContext,
  caller: Caller,
  golden: LockedGoldenRecord,
  name: string,
  value: unknown,
  expiresAt: string | null,
): Promise<Plan> {
  const type = mastering.policy.type(golden.type)
  const field = fieldOf(type, caller, name)
  if (value === undefined)
    refuse('BAD_VALUE', `say which value ${name} has; null says that it has none`)
  const fault = expiresAt === null ? null : expiryFault(expiresAt)
  if (fault) refuse('BAD_EXPIRY', fault)
  await checkValue(tx, mastering, field, value ?? null)
  const stated: NewAssertion = {
    kind: 'VALUE',
    a: golden.id,
    field: field.name,
    value: value ?? null,
    expiresAt,
  }
  return only(mastering, golden, { append: [stated], withdraw: [] })
}

async function lift(
  tx: Transaction,
  mastering: ResolutionContext,
  caller: Caller,
  golden: LockedGoldenRecord,
  name: string,
): Promise<Plan> {
  const field = fieldOf(mastering.policy.type(golden.type), caller, name)
  const withdraw = await standingOn(tx, 'VALUE', keysOf(golden), field.name)
  if (withdraw.length === 0)
    refuse('NOTHING_TO_LIFT', `no steward has stated ${field.name} of golden record ${golden.id}`)
  return only(mastering, golden, { append: [], withdraw })
}

/** Returns a plan that puts the records of some golden records into groups. */
async function regroup(
  tx: Transaction,
  mastering: ResolutionContext,
  about: LockedGoldenRecord[],
  groups: string[][],
  between: 'apart' | 'together' | 'none',
  more: NewAssertion[],
): Promise<Plan> {
  const apart = between === 'apart' ? everyTwo(groups.length) : []
  const pairs = pairsApart(groups, apart)
  if (pairs > pairsMax)
    refuse(
      'TOO_MANY_IDS',
      `that states ${pairs} pairs of source records not to be the same; at most ${pairsMax} at once`,
    )
  const { append, withdraw } = partition(groups, apart, await standingPairs(tx, groups.flat()))
  return {
    type: mastering.policy.type((about[0] as LockedGoldenRecord).type),
    seeds: about.flatMap((h) => h.members.map((m) => m.id)),
    subjects: about.map((h) => h.id),
    before: about.map((h) => [h.id, keysOf(h)]),
    statements: { append: [...append, ...more], withdraw },
    groups,
  }
}

/** Returns a plan about one golden record whose members stay. */
function only(
  mastering: ResolutionContext,
  golden: LockedGoldenRecord,
  statements: Statements,
): Plan {
  return {
    type: mastering.policy.type(golden.type),
    seeds: golden.members.map((m) => m.id),
    subjects: [golden.id],
    before: [[golden.id, keysOf(golden)]],
    statements,
    groups: null,
  }
}

function keysOf(golden: LockedGoldenRecord): string[] {
  return golden.members.map((m) => m.key)
}

function one(held: ReadonlyMap<string, LockedGoldenRecord>, id: string): LockedGoldenRecord {
  return held.get(id.toLowerCase()) ?? refuse('UNKNOWN_ID', `there is no golden record ${id}`)
}

function active(held: ReadonlyMap<string, LockedGoldenRecord>, id: string): LockedGoldenRecord {
  const golden = one(held, id)
  if (golden.state === 'MERGED')
    refuse('RETIRED_ID', `golden record ${id} was merged into ${golden.redirect}: work on that one`)
  if (golden.state === 'DELETED')
    refuse('DELETED_RECORD', `golden record ${id} is deleted or retired`)
  return golden
}

/** Returns two or more different golden records of one type; throws ActionAborted otherwise. */
function several(
  ids: string[],
  held: ReadonlyMap<string, LockedGoldenRecord>,
): LockedGoldenRecord[] {
  if (ids.length < 2) refuse('TOO_FEW_IDS', 'name at least two golden records')
  if (new Set(ids.map((id) => id.toLowerCase())).size < ids.length)
    refuse('SAME_ID', 'a golden record is named twice: it cannot meet itself')
  const all = ids.map((id) => active(held, id))
  const [first] = all
  for (const h of all)
    if (h.type !== first?.type)
      refuse('ACROSS_TYPES', `${first?.id} is a ${first?.type}, ${h.id} a ${h.type}`)
  return all
}

function fieldOf(type: TypePolicy, caller: Caller, name: string): FieldPolicy {
  const field = type.fields.find((f) => f.name === name)
  if (!field)
    return refuse(
      'UNKNOWN_FIELD',
      `${type.name} has no field ${name}; it has ${type.fields.map((f) => f.name).join(', ')}`,
    )
  if (field.sensitive && !caller.scopes.has(field.sensitive))
    refuse('MISSING_SCOPE', `${type.name}.${name} needs the scope ${field.sensitive}`)
  return field
}

async function checkValue(
  tx: Transaction,
  mastering: ResolutionContext,
  field: FieldPolicy,
  value: unknown,
): Promise<void> {
  const fault = valueFault(mastering.policy, field, value)
  if (fault) refuse('BAD_VALUE', fault)
  if (field.kind !== 'REFERENCE' || value === null) return
  for (const id of Array.isArray(value) ? value : [value]) {
    const member = await readMember(tx, String(id))
    if (!member?.goldenId || member.type !== field.typeName)
      refuse('BAD_VALUE', `${field.name} is a ${field.typeName}; ${id} is none`)
  }
}

function expiryFault(text: string): string | null {
  const at = Date.parse(text)
  if (Number.isNaN(at)) return `${text} is no moment`
  return at <= Date.now() ? `${text} is over already` : null
}
