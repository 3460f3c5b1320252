import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import { Store, type Written } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { COMPANIES, partyOf } from './draws.ts'
import { type Entity, entityOf } from './entities.ts'
import { Counters, type Fields, financeRules, idOfKey, keyed } from './rules.ts'

/** An environment of finance and operations: its legal entities and their records. */
export class Environment {
  readonly clock = createClock()
  readonly faults = new PlannedFaults()
  readonly store: Store
  /** The legal entity of the user who signs in. */
  readonly company = COMPANIES[0]![0]
  readonly #counters: Counters
  /** Ids by their text in lower case: the database compares keys without regard to case. */
  readonly #ids = new Map<string, string>()
  /** Customers by party. */
  readonly #customers = new Map<string, Set<string>>()

  constructor(random: Random) {
    this.#counters = new Counters(random)
    this.store = new Store({
      clock: this.clock,
      faults: this.faults,
      rules: financeRules(this.#counters),
      onWrite: (written) => this.#written(written),
    })
  }

  /** Creates a record as a user does, or changes the one whose id the fields name. */
  put(set: string, fields: Fields): string {
    const entity = entityOf(set)
    const isNew = fields.id === undefined && entity
    return this.store.put(set, isNew ? this.numbered(entity, fields) : fields)
  }

  /** Returns the record that readers see at a key. */
  find(entity: Entity, key: Fields): VisibleRow | undefined {
    const id = this.idOf(entity, key)
    const row = id === undefined ? undefined : this.store.table(entity.set).find(id)
    return row?.deleted === false ? row : undefined
  }

  /** Returns the id of a record that exists now, also if readers do not see it yet. */
  idOf(entity: Entity, key: Fields): string | undefined {
    const id = this.#ids.get(`${entity.set} ${idOfKey(entity, key).toLowerCase()}`)
    return id !== undefined && this.store.table(entity.set).get(id)?.deleted === false
      ? id
      : undefined
  }

  /** Returns the fields of a new record with a key and its id. */
  numbered(entity: Entity, fields: Fields): Fields {
    const company = String(fields.dataAreaId ?? '').toLowerCase() || this.company
    const given = entity.perCompany ? { ...fields, dataAreaId: company } : fields
    const named = keyed(entity, given, this.#counters)
    return { ...this.#ofParty(named), ...named, id: idOfKey(entity, named) }
  }

  /** Returns what a new customer has from a party that exists already. */
  #ofParty({ PartyNumber: party }: Fields): Fields {
    const [known] = this.#customers.get(String(party ?? '')) ?? []
    return known === undefined ? {} : partyOf(this.store.table('CustomersV3').get(known)!.record)
  }

  #written({ object, id, action, record }: Written): void {
    this.#ids.set(`${object} ${id.toLowerCase()}`, id)
    if (object !== 'CustomersV3') return
    const party = String(record.PartyNumber)
    const customers = this.#customers.get(party) ?? new Set()
    this.#customers.set(party, customers)
    if (action === 'deleted') customers.delete(id)
    else this.#share(customers.add(id), id, record)
  }

  /**
   * The name, addresses and contact details of a customer are those of its party. Customers of other
   * legal entities show them too, with a new tag; their own record did not change.
   */
  #share(customers: ReadonlySet<string>, writer: string, record: Fields): void {
    for (const id of customers) {
      const other = this.store.table('CustomersV3').get(id)!.record
      const shared = Object.entries(partyOf(record))
      if (id === writer || shared.every(([name, value]) => ownValue(other, name) === value))
        continue
      const tag = { '@odata.etag': this.#counters.tag('CustomersV3', id) }
      this.store.replace('CustomersV3', id, { ...other, ...partyOf(record), ...tag }, 'updated')
    }
  }
}
