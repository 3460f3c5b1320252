import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, ConnectionError } from '../../connectors/connection/contract.ts'
import type { Json, PulledRow } from '../../connectors/connection/row.ts'
import type { WriteAbility } from '../../connectors/connection/writing.ts'
import type { Connector } from '../../connectors/contract.ts'
import { readAt, withValues } from '../../connectors/mapping/rawPath.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { transaction } from '../../mdm/db/transaction.ts'
import type { Pipeline } from '../../mdm/ingest/pipeline.ts'
import { planDue } from '../../mdm/writeback/planDue.ts'
import { registerTargets, scanTargets } from '../../mdm/writeback/registerTargets.ts'
import { stateRow } from '../../mdm/writeback/sentIntent.ts'
import { openTarget, type Target } from '../../mdm/writeback/target.ts'
import { TargetWriter } from '../../mdm/writeback/writer.ts'
import type { Role } from '../../schema/policy.ts'
import { withMapping } from '../connectors/fixture.ts'
import { directPipeline, drain, policy } from '../fixtures/store.ts'
import { markLoaded } from '../mdm/writeback/loadedObject.ts'

export const FIELDS = ['name', 'legalName', 'currency', 'paymentTerms', 'accountOwner'] as const
type Field = (typeof FIELDS)[number]

export interface SystemSetting {
  role: Role
  /** Fields that are written; null: nothing is. */
  update: readonly Field[] | null
  creates: boolean
  /** Puts its own former value back after each write of the field. */
  reverts: Field | null
  /** Whether it knows things by their name alone, without a tax number. */
  isPoor: boolean
}

/** A change by a person of the record of a thing, which is created by the first one. */
export interface Edit {
  system: number
  thing: number
  field: Field
  empties: boolean
  /** What happens after it: nothing, a plan alone, or everything until it is silent. */
  next: 'NOTHING' | 'PLAN' | 'WRITE'
}

export interface NetworkSetting {
  systems: readonly SystemSetting[]
  edits: readonly Edit[]
  /** Every so many writes one is refused, in conflict or of unknown outcome; 0 for none. */
  faultEvery: number
}

type Fields = Record<string, unknown>
const TAX_IDS = ['DE136695976', 'DE129273398', 'DE811115368']
const NAMES = ['Quarzhafen', 'Lindenbruecke', 'Morgenwerk']
const MAPPING = `
every: { id: id, version: modified }
objects:
  customers:
    as: Customer
    fields:
      { name: name, legalName: legalName, currency: currency, paymentTerms: terms, accountOwner: owner, lifecycle: stage, taxIds: [tax] }
`
const PATHS: Readonly<Record<Field, string>> = {
  ...{ name: 'name', legalName: 'legalName', currency: 'currency' },
  ...{ paymentTerms: 'terms', accountOwner: 'owner' },
}
const mapped = withMapping(MAPPING)
const OBJECT = 'customers'

/** A source system in this process, behind the interface of a connection. */
class MemorySystem {
  readonly name: string
  readonly setting: SystemSetting
  readonly rows = new Map<string, Fields>()
  /** What its people state, by id. */
  readonly own = new Map<string, Fields>()
  readonly changed = new Set<string>()
  readonly connector: Connector
  writes = 0
  fieldWrites = new Map<string, number>()
  #clock: () => number
  #faultEvery: number
  #attempts = 0

  constructor(name: string, setting: SystemSetting, clock: () => number, faultEvery: number) {
    this.name = name
    this.setting = setting
    this.#clock = clock
    this.#faultEvery = faultEvery
    const system = { ...mapped.system, name, role: setting.role, trust: 0.5 }
    this.connector = {
      ...mapped,
      system,
      goldenIdOf: (_, { golden }) => (typeof golden === 'string' ? golden : null),
    }
  }

  edit(id: string, values: Fields): void {
    const own = { ...this.own.get(id), ...values }
    this.own.set(id, own)
    this.#put(id, values)
  }

  #put(id: string, values: Fields): void {
    const modified = new Date(Date.UTC(2026, 0, 1) + this.#clock() * 1_000).toISOString()
    this.rows.set(id, {
      ...withValues(this.rows.get(id) ?? { id }, values as Record<string, Json>),
      modified,
    })
    this.changed.add(id)
  }

  row(id: string): PulledRow | null {
    const record = this.rows.get(id)
    return record
      ? {
          object: OBJECT,
          id,
          version: String(record.modified),
          deleted: false,
          record: { ...record },
        }
      : null
  }

  get connection(): Pick<Connection, 'read' | 'writing'> {
    const ability: WriteAbility = {
      ...{ create: true, update: true, goldenId: 'golden', find: { lagMs: 0 }, guard: 'VERSION' },
      ...{ once: { by: 'NONE' }, given: {}, needs: ['name'], empties: true, refusalOf: () => null },
      addsElement: () => false,
    }
    return {
      read: async (_, id) => this.row(id),
      writing: {
        abilityOf: () => ability,
        find: async (_, goldenId) => {
          const found = [...this.rows].find(([, r]) => r.golden === goldenId)
          return found ? this.row(found[0]) : null
        },
        write: async ({ id, values, goldenId, expected }) => {
          const fault = this.#faultEvery > 0 && ++this.#attempts % this.#faultEvery === 0
          const late = fault && this.#attempts % (2 * this.#faultEvery) === 0
          if (fault && !late) throw failure('RETRY', 'NOT_APPLIED')
          if (id !== null && expected?.version !== this.row(id)?.version)
            throw failure('CONFLICT', 'NOT_APPLIED')
          const at = id ?? `W${this.rows.size + 1}`
          this.writes++
          this.#put(at, id === null ? { ...values, golden: goldenId } : { ...values })
          for (const path of Object.keys(values)) {
            const key = `${at} ${path}`
            this.fieldWrites.set(key, (this.fieldWrites.get(key) ?? 0) + 1)
          }
          const back = this.setting.reverts && PATHS[this.setting.reverts]
          if (back && id !== null && Object.hasOwn(values, back))
            this.#put(at, { [back]: readAt(this.own.get(at) ?? {}, back) ?? null })
          if (late) throw failure('RETRY', 'UNKNOWN')
          return { id: at, created: id === null, written: true, row: this.row(at) }
        },
      },
    }
  }

  get target(): Target | null {
    const { role, update, creates } = this.setting
    if (!update) return null
    const type = {
      ...{
        objects: [OBJECT],
        update: [...update],
        createFields: [...new Set<string>(['name', ...update])],
      },
      createWhen: creates ? new Map([['lifecycle', ['CUSTOMER']]]) : null,
    }
    return openTarget(
      {
        ...{
          source: this.name,
          role,
          mode: 'ON',
          version: 'v1',
          types: new Map([['Customer', type]]),
        },
        limits: { perMinute: 1_000_000, perDay: 1_000_000, changedRecordsMax: 1_000_000 },
        replacesGoldenIds: false,
      },
      this.connector,
      this.connection.writing,
    )
  }
}

function failure(
  verdict: 'RETRY' | 'CONFLICT',
  outcome: 'NOT_APPLIED' | 'UNKNOWN',
): ConnectionError {
  return new ConnectionError(verdict, 'FAULT', 'a fault of the test', { outcome })
}

export interface Outcome {
  /** Values and origins of golden records by the records that people made, as text. */
  goldens: string[]
  writes: number
  /** Writes of one field of one record after the last edit, at most. */
  fieldWritesMax: number
  /** Records of one thing in one system beyond the first. */
  doubled: number
  isSilent: boolean
}

const roundsMax = 400

/** Runs a network until nothing happens any more, with write-back or without. */
export async function runNetwork(
  sql: Sql,
  { systems: settings, edits, faultEvery }: NetworkSetting,
  isWritten: boolean,
): Promise<Outcome> {
  let now = 0
  const systems = settings.map((s, i) => new MemorySystem(`s${i}`, s, () => now, faultEvery))
  const direct = directPipeline(sql)
  const pipeline: Pipeline = {
    ...direct,
    connectors: new Map(systems.map((s) => [s.name, s.connector])),
    systems: new Map(systems.map((s) => [s.name, s.connector.system])),
  }
  const targets = new Map(
    isWritten ? systems.flatMap((s) => (s.target ? [[s.name, s.target] as const] : [])) : [],
  )
  const context = { sql, policy, systems: pipeline.systems, targets }
  for (const s of systems) await markLoaded(sql, s.name, OBJECT)
  await registerTargets(sql, targets)
  const plan = async () => {
    let done = 0
    for (;;) {
      const more = (await planDue(context)) || (await scanTargets(sql, targets))
      if (!more) return done
      done++
    }
  }
  const pull = async () => {
    let applied = 0
    for (const { name, changed, connector, row } of systems.map((s) => ({
      ...{
        name: s.name,
        changed: s.changed,
        connector: s.connector,
        row: (id: string) => s.row(id),
      },
    }))) {
      const ids = [...changed]
      changed.clear()
      for (const id of ids) {
        const of = row(id)
        if (of) await transaction(sql, (tx) => stateRow(tx, name, connector, of))
      }
      applied += ids.length
    }
    const { applied: n, skipped } = await drain(pipeline)
    return applied + n + skipped
  }
  const errors: unknown[] = []
  const writer = new TargetWriter({
    ...{ sql, holder: randomUUID(), settleMs: 1 },
    sources: new Map(
      systems.map((s) => [
        s.name,
        { connection: s.connection, target: () => targets.get(s.name), reader: () => s.connector },
      ]),
    ),
    onError: (e) => errors.push(e),
  })
  const silence = async (): Promise<boolean> => {
    for (let round = 0, quiet = 0; quiet < 2; round++) {
      if (round >= roundsMax) return false
      now++
      const happened = (await pull()) + (isWritten ? await plan() : 0)
      if (!isWritten) return true
      const [open] = await sql`
        select 1 from write_intent where state in ('PLANNED', 'SENT', 'UNKNOWN') union all select 1 from write_due
        union all select 1 from write_target where scanned_at is null`
      quiet = open || happened > 0 ? 0 : quiet + 1
      if (!open) continue
      // The pause of a breaker or of a conflict is not waited for.
      await sql`update write_target set paused_until = null where paused_until is not null`
      await sql`update write_due set due_at = clock_timestamp() where due_at > clock_timestamp()`
      await sql`
        update write_intent set not_before = null, sent_at = case when state = 'UNKNOWN' then sent_at - interval '1 minute' else sent_at end
        where not_before is not null or state = 'UNKNOWN'`
      writer.wake()
      await sleep(5)
    }
    return true
  }
  if (isWritten) writer.start()
  try {
    for (const [n, { system, thing, field, empties, next }] of edits.entries()) {
      // The same moments with write-back and without.
      now = (n + 1) * 1_000
      const at = systems[system % systems.length]
      if (!at) continue
      const id = `T${thing % 3}`
      const isNew = !at.own.has(id)
      const value = empties && field !== 'name' ? null : newValue(field, thing % 3, n)
      at.edit(id, {
        ...(isNew
          ? {
              name: `${NAMES[thing % 3]} AG`,
              stage: thing % 2 === 0 ? 'CUSTOMER' : 'PROSPECT',
              ...(at.setting.isPoor ? {} : { tax: TAX_IDS[thing % 3] }),
            }
          : {}),
        [PATHS[field]]: value,
      })
      await pull()
      if (!isWritten || next === 'NOTHING') continue
      await plan()
      if (next === 'WRITE' && !(await silence())) break
    }
    for (const s of systems) s.fieldWrites.clear()
    const isSilent = await silence()
    if (errors.length > 0) throw errors[0]
    return {
      goldens: await goldensOf(sql),
      writes: systems.reduce((sum, s) => sum + s.writes, 0),
      fieldWritesMax: Math.max(0, ...systems.flatMap((s) => [...s.fieldWrites.values()])),
      doubled: await doubledOf(sql),
      isSilent,
    }
  } finally {
    if (isWritten) await writer.stop()
  }
}

/** A name keeps the thing recognisable; the other fields are free. */
function newValue(field: Field, thing: number, n: number): string {
  if (field === 'name') return `${NAMES[thing]} ${['AG', 'GmbH', 'SE'][n % 3]}`
  if (field === 'currency') return ['EUR', 'USD', 'GBP', 'CHF'][n % 4] ?? 'EUR'
  return `${field} ${n}`
}

/** Without the records that write-back created, which state nothing. */
async function goldensOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ id: string; values: Fields; keys: string[] }[]>`
    select g.id, g.values, array(
      select r.source || ' ' || r.source_id from source_record r where r.golden_id = g.id and r.source_id like 'T%' order by 1) as keys
    from golden g where g.state = 'ACTIVE' order by g.id`
  return rows.map((r) => `${r.id} ${r.keys.join(', ')}: ${JSON.stringify(r.values)}`)
}

async function doubledOf(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select coalesce(sum(n - 1), 0)::int as n from (
      select count(*) as n from source_record where source_id like 'W%' and golden_id is not null group by golden_id, source having count(*) > 1) x`
  return row?.n ?? 0
}
