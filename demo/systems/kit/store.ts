import type { Random } from '../../random.ts'
import { random } from '../../random.ts'
import type { Clock } from './clock.ts'
import type { PlannedFaults } from './faults.ts'
import type { Row } from './model.ts'
import { Table } from './table.ts'
import type { UniqueValues } from './uniqueValues.ts'
import type { Automation, Who, Write, Written, WrittenAt } from './writes.ts'

export type { Who, Written, WrittenAt } from './writes.ts'

type Fields = Record<string, unknown>

/** The rules of one object of a vendor. */
export interface ObjectRules {
  name: string
  idField: string
  /** Fields that a user may set, besides the id. */
  fields: readonly string[]
  /** Weight among the changes of a day; 0 if users do not write the object. */
  weight: number
  newId(): string
  /** Returns the record as the API shows it after a write. */
  write(fields: Fields, at: WrittenAt): Fields
  /** Replaces a change where the vendor keeps versions as records; returns the id of the new one. */
  amend?(store: Store, id: string, fields: Fields): string
  /** Returns what a delete leaves of the record. Absent if the vendor permits no delete. */
  erase?(record: Fields, now: number, who: Who): Fields
  /** Draws the fields of a new record; undefined if a parent is missing. */
  draw(random: Random, store: Store): Fields | undefined
  /** Draws a change of a record. */
  redraw(random: Random, record: Fields, store: Store): Fields
}

/** A change of several records at once, for example a merge. */
export interface Action {
  weight: number
  run(random: Random, store: Store): void
}

export const dayMs = 86_400_000

/** The records of a model system, and what users of the system do with them. */
export class Store {
  readonly clock: Clock
  readonly #faults: PlannedFaults
  readonly #rules: ReadonlyMap<string, ObjectRules>
  readonly #tables: ReadonlyMap<string, Table>
  readonly #onWrite: (written: Written) => void
  readonly #actions: readonly Action[]
  readonly #unique: UniqueValues | undefined
  readonly #automations = new Map<string, Set<Automation>>()
  readonly #writes: Write[] = []
  #who: Who & { request?: string } = { by: 'user', cause: 'user' }
  /** Whether writes are listed; those of `fill` and `day` are not. */
  #listing = true

  constructor(options: {
    clock: Clock
    faults: PlannedFaults
    rules: readonly ObjectRules[]
    /** Runs after each write, for example to append an event. */
    onWrite?: (written: Written) => void
    /** Changes of a day besides creates, changes and deletes of single records. */
    actions?: readonly Action[]
    unique?: UniqueValues
  }) {
    this.clock = options.clock
    this.#faults = options.faults
    this.#rules = new Map(options.rules.map((rules) => [rules.name, rules]))
    this.#tables = new Map(
      options.rules.map(({ name }) => [name, new Table(this.clock, this.#faults)]),
    )
    this.#onWrite = options.onWrite ?? (() => {})
    this.#actions = options.actions ?? []
    this.#unique = options.unique
  }

  get objects(): string[] {
    return [...this.#rules.keys()]
  }

  table(object: string): Table {
    const table = this.#tables.get(object)
    if (!table) throw new Error(`no object ${object}; there are: ${this.objects.join(', ')}`)
    return table
  }

  /** Fields that a user may set. */
  fields(object: string): readonly string[] {
    return this.#rules.get(object)?.fields ?? []
  }

  state(object: string): ReadonlyMap<string, Row> {
    return this.table(object).state()
  }

  /** Who makes the writes of now. */
  get who(): Who {
    return this.#who
  }

  /** Makes writes as the API does. `request` is the method and path. */
  asApi<T>(request: string, work: () => T): T {
    return this.#as({ by: 'api', cause: 'api', request }, work)
  }

  #as<T>(who: Who & { request?: string }, work: () => T): T {
    const before = this.#who
    this.#who = who
    try {
      return work()
    } finally {
      this.#who = before
    }
  }

  /** Adds a rule that follows each create and change; returns a function that removes it. */
  automate(object: string, rule: Automation): () => void {
    this.table(object)
    const rules = this.#automations.get(object) ?? new Set()
    this.#automations.set(object, rules.add(rule))
    return () => void rules.delete(rule)
  }

  writes(): readonly Write[] {
    return [...this.#writes]
  }

  put(object: string, fields: Fields): string {
    return this.write(object, fields).id
  }

  /** Creates or changes a record, and returns it as it was before the rules of the system ran. */
  write(object: string, fields: Fields): Written {
    const table = this.table(object)
    const rules = this.#rules.get(object)!
    const { [rules.idField]: given, ...rest } = fields
    if (given !== undefined && typeof given !== 'string')
      throw new Error(`${object}.${rules.idField} is not a text`)
    const unknown = Object.keys(rest).find((name) => !rules.fields.includes(name))
    if (unknown !== undefined) throw new Error(`${object} has no field ${unknown} to set`)
    const id = given ?? rules.newId()
    const current = table.get(id)
    if (current?.deleted) throw new Error(`${object} ${id} is deleted`)
    const before = current?.record
    if (before && rules.amend) {
      const next = rules.amend(this, id, rest)
      return { object, id: next, action: 'updated', record: table.get(next)!.record, before }
    }
    const record = rules.write(rest, { id, now: this.clock.now(), before, ...this.who })
    this.#unique?.check(object, id, record)
    table.set(id, record)
    const action = before ? 'updated' : 'created'
    const written = { object, id, action, record, before } as const
    this.#automate(written, this.#finish(written, rest))
    return written
  }

  /** Whether the vendor deletes records of an object. */
  deletes(object: string): boolean {
    return this.#rules.get(object)?.erase !== undefined
  }

  remove(object: string, id: string): void {
    const table = this.table(object)
    const { erase } = this.#rules.get(object)!
    const row = table.get(id)
    if (!row || row.deleted) throw new Error(`there is no ${object} ${id} to delete`)
    if (!erase) throw new Error(`the vendor does not delete records of ${object}`)
    const record = erase(row.record, this.clock.now(), this.who)
    table.set(id, record, true)
    this.#finish({ object, id, action: 'deleted', record, before: row.record }, {})
  }

  /** Replaces a record by what the vendor itself makes of it, for example when its parent changes. */
  replace(object: string, id: string, record: Fields, action: 'updated' | 'deleted'): void {
    const table = this.table(object)
    const before = table.get(id)?.record
    table.set(id, record, action === 'deleted')
    const written: Written = { object, id, action, record, before }
    this.#unique?.follow(written)
    this.#onWrite(written)
  }

  #finish(written: Written, fields: Fields): Write {
    const { object, id, action } = written
    const write: Write = { object, id, action, fields, at: this.clock.now(), ...this.#who }
    if (this.#listing) this.#writes.push(write)
    this.#unique?.follow(written)
    this.#onWrite(written)
    return write
  }

  /** Rules do not follow one another: a system that never ends would prove nothing. */
  #automate({ object, id }: Written, write: Write): void {
    if (this.#who.by === 'automation') return
    const rules = this.#rules.get(object)!
    for (const automation of this.#automations.get(object) ?? []) {
      const row = this.table(object).get(id)
      const fields = row && !row.deleted ? automation(row.record, write) : undefined
      if (fields)
        this.#as({ ...this.#who, by: 'automation' }, () =>
          this.put(object, { ...fields, [rules.idField]: id }),
        )
    }
  }

  /** Draws one id that is not deleted. */
  pick(random: Random, object: string): string | undefined {
    const { live } = this.table(object)
    return live.length > 0 ? random.pick(live) : undefined
  }

  fill(count: number, seed: number): void {
    this.unlisted(() => this.#fill(count, seed))
  }

  day(changes: number, seed: number): void {
    this.unlisted(() => this.#day(changes, seed))
  }

  /** Makes writes that `writes` does not list. */
  unlisted(work: () => void): void {
    this.#listing = false
    try {
      work()
    } finally {
      this.#listing = true
    }
  }

  #fill(count: number, seed: number): void {
    const draw = random('fill', seed)
    const end = this.clock.now()
    let time = end - 700 * dayMs
    for (let number = 0; number < count; number++) {
      // Each third record shares its time with the one before, as an import leaves them.
      if (!draw.chance(1 / 3)) time += Math.floor(draw.next() * ((2 * (end - time)) / (count + 1)))
      this.clock.at(time, () => {
        for (const [object, rules] of this.#rules) {
          const fields = rules.draw(draw, this)
          if (fields) this.put(object, fields)
        }
      })
    }
  }

  #day(changes: number, seed: number): void {
    const draw = random('day', seed)
    const start = this.clock.now()
    const choices = [...this.#rules.values(), ...this.#actions]
    const largest = choices.reduce((a, b) => (b.weight > a.weight ? b : a))
    // Mass updates change many records of one object at one time. One takes a quarter of the day.
    let mass = Math.floor(changes / 4)
    let time = start
    let left = changes
    if (left >= 10) left -= this.#deleteOne(draw)
    while (left > 0) {
      time += Math.floor(draw.next() * ((start + dayMs - time) / (left + 1)))
      const choice = mass > 0 ? largest : draw.weighted(choices, (candidate) => candidate.weight)
      const size = Math.min(left, mass || (draw.chance(0.1) ? draw.between(2, 6) : 1))
      mass = 0
      left -= size
      this.clock.at(time, () => {
        for (let n = 0; n < size; n++)
          if ('run' in choice) choice.run(draw, this)
          else this.#change(draw, choice, size > 1)
      })
    }
    this.clock.advance(dayMs)
  }

  /** Deletes one record, so that no day of some size is without. Returns how many it deleted. */
  #deleteOne(draw: Random): number {
    const choices = [...this.#rules.values()].filter(
      ({ name, weight, erase }) => erase && weight > 0 && this.table(name).live.length > 0,
    )
    if (choices.length === 0) return 0
    const { name } = draw.weighted(choices, ({ weight }) => weight)
    this.remove(name, this.pick(draw, name)!)
    return 1
  }

  #change(draw: Random, rules: ObjectRules, onlyUpdate: boolean): void {
    const id = this.pick(draw, rules.name)
    const chance = onlyUpdate ? 0.5 : draw.next()
    if (id === undefined || chance < 0.25) {
      const fields = rules.draw(draw, this)
      if (fields) this.put(rules.name, fields)
    } else if (chance > 0.88 && rules.erase) this.remove(rules.name, id)
    else {
      const { record } = this.table(rules.name).get(id)!
      this.put(rules.name, { ...rules.redraw(draw, record, this), [rules.idField]: id })
    }
  }
}
