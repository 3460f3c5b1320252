import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import { Children } from '../kit/children.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import { Store, type Written } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { UniqueValues } from '../kit/uniqueValues.ts'
import { findObjectType, GOLDEN_ID, isUnique, OBJECT_TYPES, type ObjectType } from './objects.ts'
import { type Fields, touch } from './records.ts'
import { idOf, salesforceRules } from './rules.ts'

const recycleBinMs = 15 * 86_400_000

/** Children that are deleted with their parent, and that follow it in a merge. */
const RELATIONS = [
  ...['Contact', 'Opportunity', 'Contract', 'Order', 'Asset', 'Entitlement'].map((child) => ({
    parent: 'Account',
    child,
    field: 'AccountId',
  })),
  { parent: 'Opportunity', child: 'OpportunityLineItem', field: 'OpportunityId' },
  { parent: 'Opportunity', child: 'Quote', field: 'OpportunityId' },
  { parent: 'Quote', child: 'QuoteLineItem', field: 'QuoteId' },
  { parent: 'Order', child: 'OrderItem', field: 'OrderId' },
]
const MERGED = ['Account', 'Contact', 'Lead']

/** A Salesforce org: its records, and what a delete and a merge do to related ones. */
export class Org {
  readonly clock = createClock()
  readonly faults = new PlannedFaults()
  readonly store: Store
  /** The user who signs in. */
  readonly userId: string
  /** The user who makes all other changes. */
  readonly adminId: string
  readonly #goldenIds = new UniqueValues(
    new Map(
      OBJECT_TYPES.filter(({ fields }) => [...fields.values()].some(isUnique)).map(({ name }) => [
        name,
        [GOLDEN_ID],
      ]),
    ),
    ownValue,
    (value) => value.toLowerCase(),
  )
  readonly #children = new Children(RELATIONS)

  constructor(random: Random, username: string) {
    this.userId = idOf('005', 1)
    this.adminId = idOf('005', 2)
    this.store = new Store({
      clock: this.clock,
      faults: this.faults,
      // A rule of the org runs as the user whose write it follows.
      rules: salesforceRules(random, ({ cause }) => (cause === 'api' ? this.userId : this.adminId)),
      unique: this.#goldenIds,
      onWrite: (written) => this.#written(written),
      actions: [
        { weight: 1, run: (draw) => this.#mergeTwo(draw) },
        { weight: 1, run: (draw) => this.#restore(draw) },
      ],
    })
    const user = { IsActive: true, UserType: 'Standard' }
    this.store.unlisted(() =>
      this.clock.at(this.clock.now() - 800 * 86_400_000, () => {
        const Username = `admin.${username}`
        this.store.put('User', { ...user, LastName: 'Admin', Username, Id: this.adminId })
        const own = { LastName: 'Integration', Username: username, Id: this.userId }
        this.store.put('User', { ...user, ...own })
      }),
    )
  }

  /** Returns the rows that a query sees; deleted ones too while they are in the recycle bin. */
  rows(type: ObjectType, withDeleted: boolean): VisibleRow[] {
    const kept = this.clock.now() - recycleBinMs
    return this.store
      .table(type.name)
      .sorted('id', (a, b) => (a.id < b.id ? -1 : 1))
      .filter((row) => !row.deleted || (withDeleted && modifiedAt(row) >= kept))
  }

  find(object: string, id: string): VisibleRow | undefined {
    return this.store.table(object).find(id)
  }

  /** Returns the object of an id, by its first three characters. */
  typeOfId(id: string): ObjectType | undefined {
    return OBJECT_TYPES.find(({ prefix }) => id.startsWith(prefix))
  }

  /** Returns the id of 18 characters for one of 15, as every resource accepts both. */
  wholeId(type: ObjectType, id: string): string {
    if (id.length !== 15) return id
    return this.rows(type, true).find((row) => row.id.startsWith(id))?.id ?? id
  }

  /** Returns the records that have a value in a field by which an upsert finds them. */
  idsOf(type: ObjectType, field: string, value: string): string[] {
    if (field === GOLDEN_ID) {
      const id = this.#goldenIds.find(type.name, field, value)
      return id === undefined ? [] : [id]
    }
    const wanted = value.toLowerCase()
    return [...this.store.table(type.name).rows()]
      .filter(({ record, deleted }) => {
        const found = ownValue(record, field)
        return !deleted && typeof found === 'string' && found.toLowerCase() === wanted
      })
      .map(({ id }) => id)
  }

  #mergeTwo(random: Random): void {
    const object = random.pick(MERGED)
    const winner = this.store.pick(random, object)
    const loser = this.store.pick(random, object)
    if (winner !== undefined && loser !== undefined && winner !== loser)
      this.#merge(object, winner, loser)
  }

  /** The loser's children move to the winner, the loser is deleted and names the winner. */
  #merge(object: string, winner: string, loser: string): void {
    for (const { object: child, id, field } of this.#children.of(object, loser))
      this.store.put(
        child,
        Object.fromEntries([
          ['Id', id],
          [field, winner],
        ]),
      )
    this.store.put(object, { Id: winner })
    this.store.remove(object, loser)
    const lost = this.store.table(object).get(loser)!.record
    this.store.replace(object, loser, { ...lost, MasterRecordId: winner }, 'deleted')
  }

  /** Takes a record out of the recycle bin, if one is there whose parent is not deleted. */
  #restore(random: Random): void {
    const bin = this.rows(findObjectType('Lead')!, true)
    const candidates = bin.filter(({ deleted, record }) => deleted && !record.MasterRecordId)
    if (candidates.length === 0) return
    const { id, record } = random.pick(candidates)
    const restored = touch(record, this.clock.now(), this.adminId)
    this.store.replace('Lead', id, { ...restored, IsDeleted: false }, 'updated')
  }

  #written(written: Written): void {
    this.#children.follow(written)
    if (written.action !== 'deleted') return
    for (const { object, id } of this.#children.of(written.object, written.id))
      this.store.remove(object, id)
  }
}

export const modifiedAt = ({ record }: { record: Fields }) =>
  Date.parse(String(record.SystemModstamp))
