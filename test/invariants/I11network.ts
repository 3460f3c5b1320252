import { heldRaw } from '../../mdm/echo/heldRaw.ts'
import { type Golden, survive } from '../../mdm/golden/survive.ts'
import { planWrites } from '../../mdm/writeback/plan.ts'
import type { TargetRecord } from '../../mdm/writeback/planInput.ts'
import type { PlannedWrite } from '../../mdm/writeback/plannedWrite.ts'
import { fieldWritesPerDayMax, type PastWrite } from '../../mdm/writeback/stop.ts'
import type { Role } from '../../schema/policy.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { policy } from '../fixtures/store.ts'
import { directMapping, directTarget } from '../mdm/writeback/directTarget.ts'
import { type Fields, WrittenTarget } from '../mdm/writeback/writtenTarget.ts'

/**
 * REVERT: puts the system's former value back. LOUD: changes the value. FOLLOW: another field follows
 * the changed one. COUNT: another field counts the changes, so systems can drive each other for ever.
 */
export type Rule = 'REVERT' | 'LOUD' | 'FOLLOW' | 'COUNT'

export interface Automation {
  rule: Rule
  field: string
  other: string
}

export interface SystemSetting {
  role: Role
  trust: number
  /** The fields that are written to it; null: it is not written to. */
  update: readonly string[] | null
  automations: readonly Automation[]
  /** Whether it states changed fields only; whether it states every change, or the latest state. */
  isPartial: boolean
  isPulled: boolean
}

/** A change by a person: in which system, which field, and whether it empties it. */
export interface Edit {
  system: number
  field: string
  empties: boolean
}

export interface NetworkSetting {
  systems: readonly SystemSetting[]
  edits: readonly Edit[]
  random: () => number
  isWritten: boolean
}

export const fields = ['name', 'legalName', 'currency', 'paymentTerms', 'accountOwner']
const type = policy.type('Customer')
/** Microseconds between two happenings: far more than the duration of a write. */
const tick = 1_000_000

/** A record of the thing in one system: its present fields, and what the system itself states. */
class Place {
  readonly system: SystemSetting
  readonly source: string
  readonly key: string
  fields: Fields | null = null
  own: Fields = {}
  /** As the store holds it. */
  readonly stored = new WrittenTarget()
  /** The same without any write: only what the system itself stated. */
  readonly alone = new WrittenTarget()
  statedOwn = ''
  unsent = new Set<string>()
  arrivals = 0
  past: PastWrite[] = []
  onItsWay = false
  writes = new Map<string, number>()

  constructor(system: SystemSetting, index: number) {
    this.system = system
    this.source = `s${index}`
    this.key = recordKey(this.source, 'Customer', '1')
  }
}

export interface NetworkResult {
  withWrites: Golden | null
  alone: Golden | null
  /** Writes of one field of one record after the last edit, at most. */
  fieldWritesMax: number
  writes: number
  /** Whether every system holds the golden value, or the field was given up. */
  isSilent: boolean
}

/** Far above every bound: a network that does not fall silent stops here. */
const happeningsMax = 4_000

/** Runs one thing through a network of systems until nothing happens any more. */
export function runNetwork({ systems, edits, random, isWritten }: NetworkSetting): NetworkResult {
  const places = systems.map((s, i) => new Place(s, i))
  const queue: { at: number; run: () => void }[] = []
  let now = tick
  let counter = 0
  let writes = 0
  let isLast = false
  const later = (run: () => void, least = 1) =>
    queue.push({ at: now + Math.round(tick * (least + random() * 3)), run })

  /** Changes fields of a record, as its system or as a write; then automations act. */
  function change(place: Place, values: Fields, by: 'PERSON' | 'AUTOMATION' | 'WRITE'): void {
    const changed = Object.entries(values).filter(
      ([field, value]) => (place.fields?.[field] ?? null) !== value,
    )
    if (changed.length === 0) return
    place.fields ??= {}
    for (const [field, value] of changed) {
      place.fields[field] = value
      place.unsent.add(field)
      if (by !== 'WRITE') place.own[field] = value
    }
    now += 1
    state(place)
    // An automation sets off no other one in its own system: that loop would not be ours.
    if (by === 'AUTOMATION') return
    for (const [field] of changed)
      for (const a of place.system.automations)
        if (a.field === field) automate(place, a, by === 'WRITE')
  }

  function automate(place: Place, { rule, field, other }: Automation, byUs: boolean): void {
    const value = place.fields?.[field]
    const act = (values: Fields) =>
      random() < 0.5
        ? change(place, values, 'AUTOMATION')
        : later(() => change(place, values, 'AUTOMATION'))
    if (rule === 'REVERT') {
      if (byUs) act({ [field]: place.own[field] ?? null })
    } else if (rule === 'LOUD') {
      const loud = typeof value === 'string' ? `${value.replace(/!$/, '')}!` : null
      if (loud !== value) act({ [field]: loud })
    } else act({ [other]: rule === 'FOLLOW' ? `${value}+${place.source}` : `n${++counter}` })
  }

  /** Sends what changed, late and perhaps twice; a pulled system states its latest state alone. */
  function state(place: Place): void {
    const { isPartial, isPulled } = place.system
    const send = () => {
      if (!place.fields || place.unsent.size === 0) return
      const part = isPartial && place.arrivals > 0
      const pick = (all: Fields) =>
        part ? Object.fromEntries([...place.unsent].map((f) => [f, all[f] ?? null])) : { ...all }
      const arrival = ++place.arrivals
      const version = now
      const stated = { arrival, version, fields: pick(place.fields), partial: part }
      const own = JSON.stringify(place.own)
      const ownPart = part
        ? [...place.unsent].some((f) => JSON.stringify(place.own[f] ?? null) !== known(place, f))
        : own !== place.statedOwn
      if (ownPart && Object.keys(place.own).length > 0) {
        const alone = { arrival, version, fields: pick(place.own), partial: part }
        later(() => place.alone.receive(alone))
      }
      place.statedOwn = own
      place.unsent = new Set()
      const receive = () => {
        place.stored.receive(stated)
        due()
      }
      later(receive)
      if (random() < 0.2) later(receive)
    }
    if (isPulled) later(send)
    else send()
  }

  function known(place: Place, field: string): string {
    const before = place.statedOwn === '' ? {} : (JSON.parse(place.statedOwn) as Fields)
    return JSON.stringify(before[field] ?? null)
  }

  /** Plans and sends, as the product does: one write of a record at a time. */
  function due(): void {
    if (!isWritten) return
    const golden = goldenOf(places, (p) => p.stored)
    if (!golden) return
    for (const place of places) {
      const { update, role } = place.system
      if (!update || place.onItsWay || !place.stored.state) continue
      const [write] = planWrites({
        golden: { id: places[0]?.key ?? '', type, ...golden },
        target: {
          ...directTarget(place.source, role),
          types: new Map([
            ['Customer', { objects: ['Customer'], update, createFields: update, createWhen: null }],
          ]),
        },
        records: [recordOf(place)],
        isBeingCreated: true,
        mayBe: null,
        isLoaded: () => true,
        former: null,
        systemOf: (key) => {
          const p = places.find((x) => x.key === key)
          return p && { source: p.source, role: p.system.role }
        },
        goldenOf: () => undefined,
        recordsOf: () => [],
        historyOf: () => place.past,
      })
      if (write && !write.isStopped && Object.keys(write.values).length > 0) send(place, write)
    }
  }

  function send(place: Place, { values, changes, hash }: PlannedWrite): void {
    writes++
    place.onItsWay = true
    const intent = place.stored.write(values)
    const fate = random()
    const end = (isApplied: boolean) => {
      place.onItsWay = false
      place.stored.settle(intent, isApplied ? now : null)
      const past = { hash, changes, endedAt: new Date(now / 1_000) }
      if (isApplied && isLast)
        for (const field of Object.keys(changes))
          place.writes.set(field, (place.writes.get(field) ?? 0) + 1)
      if (isApplied) place.past.push({ state: 'DONE', ...past, isReleased: false, isClosed: false })
      due()
    }
    later(() => {
      if (fate < 0.1) return end(false)
      change(place, values as Fields, 'WRITE')
      // The response may come after everything that the write set off.
      if (fate < 0.5) end(true)
      else later(() => end(true), 4)
    })
  }

  for (const [i, { system, field, empties }] of edits.entries())
    queue.push({
      at: Math.round(tick * (1 + i * (random() < 0.3 ? 0.5 : 6))),
      run() {
        const place = places[system % places.length]
        if (!place) return
        const value = empties && field !== 'name' && place.fields ? null : `${field}${++counter}`
        const first = place.fields ? {} : { name: `name${++counter}` }
        change(place, { ...first, [field]: value }, 'PERSON')
        if (i === edits.length - 1) isLast = true
      },
    })
  for (let n = 0; queue.length > 0 && n < happeningsMax; n++) {
    queue.sort((a, b) => b.at - a.at)
    const next = queue.pop()
    if (!next) break
    now = Math.max(now, next.at)
    next.run()
  }
  return {
    withWrites: goldenOf(places, (p) => p.stored),
    alone: goldenOf(places, (p) => p.alone),
    fieldWritesMax: Math.max(0, ...places.flatMap((p) => [...p.writes.values()])),
    writes,
    isSilent: queue.length === 0,
  }
}

/**
 * At most this many applied writes of one field of one record follow the last change from outside,
 * within a day: one may be on its way when the bound is reached.
 */
export const silentAfterWrites = fieldWritesPerDayMax + 1

function recordOf(place: Place): TargetRecord {
  const { map } = directMapping(place.source)
  const own = place.stored.state?.raw ?? {}
  const held = heldRaw(own, place.stored.record?.values ?? [])
  return {
    key: place.key,
    object: 'Customer',
    sourceId: '1',
    held,
    ownFields: map('Customer', own),
    heldFields: map('Customer', held),
  }
}

function goldenOf(places: readonly Place[], at: (p: Place) => WrittenTarget): Golden | null {
  const members = places.flatMap((p) => {
    const { state } = at(p)
    if (!state || state.deleted || typeof state.raw.name !== 'string') return []
    const canonical = directMapping(p.source).map('Customer', state.raw)
    const { role, trust } = p.system
    return [
      {
        key: p.key,
        source: p.source,
        role,
        trust,
        version: state.version,
        fields: { ...canonical },
      },
    ]
  })
  return members.length === 0 ? null : survive(policy, type, members)
}
