import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import type { Store, Written } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { UniqueValues } from '../kit/uniqueValues.ts'
import { History } from './history.ts'
import type { Links } from './links.ts'
import { GOLDEN_ID, OBJECT_TYPES, type ObjectType } from './objects.ts'
import type { HubspotRecord } from './records.ts'

/** Objects whose records a user can merge here. */
const MERGED = OBJECT_TYPES.filter(({ name }) => ['companies', 'contacts', 'deals'].includes(name))

const propertyOf = (record: Record<string, unknown>, name: string) =>
  ownValue((record as HubspotRecord).properties, name)

/** Returns the golden ids of an account; no two records have the same one. */
export const createGoldenIds = () =>
  new UniqueValues(new Map(OBJECT_TYPES.map(({ name }) => [name, [GOLDEN_ID]])), propertyOf)

/** A HubSpot account: its records, their associations, and which records were merged away. */
export class Account {
  readonly store: Store
  readonly links: Links
  readonly portalId: string
  readonly history = new History()
  readonly #goldenIds: UniqueValues
  /** The API refuses a second contact with an email address; the world may have two. */
  readonly #emails = new UniqueValues(new Map([['contacts', ['email']]]), propertyOf, (email) =>
    email.toLowerCase(),
  )
  /** The winners of merges by `object loser`. A loser is in no list, also not among the archived. */
  readonly #winners = new Map<string, string>()

  constructor(store: Store, links: Links, goldenIds: UniqueValues, portalId: string) {
    this.store = store
    this.links = links
    this.portalId = portalId
    this.#goldenIds = goldenIds
  }

  follow(written: Written): void {
    this.#emails.follow(written)
    this.history.follow(written, this.store.clock.now(), this.store.who)
  }

  isUnique({ name }: ObjectType, field: string): boolean {
    return this.#goldenIds.has(name, field) || this.#emails.has(name, field)
  }

  /** Returns the record that has a value in a property with unique values. */
  ownerOf({ name }: ObjectType, field: string, value: string): string | undefined {
    return this.#goldenIds.find(name, field, value) ?? this.#emails.find(name, field, value)
  }

  /** Returns the rows of an object that readers see now, in order of id. */
  rows(type: ObjectType): readonly VisibleRow[] {
    return this.store.table(type.name).sorted('id', (a, b) => Number(a.id) - Number(b.id))
  }

  /** Returns a visible record. The id of a merged record leads to the record that is left of it. */
  find(type: ObjectType, id: string): VisibleRow | undefined {
    const winner = this.#winners.get(`${type.name} ${id}`)
    return winner === undefined ? this.store.table(type.name).find(id) : this.find(type, winner)
  }

  wasMerged(type: ObjectType, id: string): boolean {
    return this.#winners.has(`${type.name} ${id}`)
  }

  /** Returns the associated records that are not archived. */
  associated(type: ObjectType, id: string, other: ObjectType): string[] {
    const table = this.store.table(other.name)
    return this.links
      .of(type.name, id, other.name)
      .filter((target) => table.find(target)?.deleted === false)
  }

  /** Returns all associations of a record: ids by object. */
  allAssociated(type: ObjectType, id: string): Record<string, string[]> {
    const found = OBJECT_TYPES.map(
      (other) => [other.name, this.associated(type, id, other)] as const,
    )
    return Object.fromEntries(found.filter(([, ids]) => ids.length > 0))
  }

  /** Merges two records of one object. */
  merge(random: Random): void {
    const type = random.pick(MERGED)
    const winner = this.store.pick(random, type.name)
    const loser = this.store.pick(random, type.name)
    if (winner !== undefined && loser !== undefined && winner !== loser)
      this.#merge(type, winner, loser)
  }

  #merge(type: ObjectType, winner: string, loser: string): void {
    const { store } = this
    const table = store.table(type.name)
    const lost = table.get(loser)!.record as HubspotRecord
    this.links.move(
      type.name,
      loser,
      winner,
      OBJECT_TYPES.map(({ name }) => name),
    )
    store.put(type.name, { id: winner })
    store.remove(type.name, loser)
    this.#winners.set(`${type.name} ${loser}`, winner)
    const won = table.get(winner)!.record as HubspotRecord
    const ids = [won, lost].flatMap(({ properties }) => properties.hs_merged_object_ids ?? [])
    const properties = { ...won.properties, hs_merged_object_ids: [...ids, loser].join(';') }
    store.replace(type.name, winner, { ...won, properties }, 'updated')
  }
}
