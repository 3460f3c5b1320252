import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import { Children } from '../kit/children.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import { Store, type Written } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { UniqueValues } from '../kit/uniqueValues.ts'
import { dataverseRules, type Fields, guid } from './rules.ts'
import { findTable, GOLDEN_ID, hasGoldenId, TABLES, type Table } from './tables.ts'

/** Children that are deleted with their parent. */
const RELATIONS = [
  { parent: 'accounts', child: 'contacts', field: '_parentcustomerid_value' },
  ...['opportunities', 'quotes', 'salesorders', 'invoices'].map((child) => ({
    parent: 'accounts',
    child,
    field: '_customerid_value',
  })),
  { parent: 'opportunities', child: 'opportunityproducts', field: '_opportunityid_value' },
  { parent: 'quotes', child: 'quotedetails', field: '_quoteid_value' },
  { parent: 'salesorders', child: 'salesorderdetails', field: '_salesorderid_value' },
  { parent: 'invoices', child: 'invoicedetails', field: '_invoiceid_value' },
  { parent: 'products', child: 'productpricelevels', field: '_productid_value' },
]
const MERGED = ['accounts', 'contacts', 'leads']

/** A Dataverse environment: its records, each with the version of its last write. */
export class Environment {
  readonly clock = createClock()
  readonly faults = new PlannedFaults()
  readonly store: Store
  /** The application user, who signs in. */
  readonly userId: string
  /** The user who makes all other changes. */
  readonly adminId: string
  readonly #children = new Children(RELATIONS)
  readonly #goldenIds = new UniqueValues(
    new Map(TABLES.filter(hasGoldenId).map(({ set }) => [set, [GOLDEN_ID]])),
    ownValue,
    (value) => value.toLowerCase(),
  )
  #version: number

  constructor(random: Random) {
    this.userId = guid(random)
    this.adminId = guid(random)
    this.#version = random.between(900_000, 999_999)
    const nextVersion = () => {
      this.#version += random.between(1, 3)
      return this.#version
    }
    this.store = new Store({
      clock: this.clock,
      faults: this.faults,
      // A plug-in runs as the user whose write it follows.
      rules: dataverseRules(
        random,
        ({ cause }) => (cause === 'api' ? this.userId : this.adminId),
        nextVersion,
      ),
      unique: this.#goldenIds,
      onWrite: (written) => this.#written(written),
      actions: [{ weight: 1, run: (draw) => this.#merge(draw) }],
    })
    const user = { systemuserid: this.userId, firstname: '#', lastname: 'Touchstone' }
    const admin = { systemuserid: this.adminId, firstname: 'System', lastname: 'Administrator' }
    this.store.unlisted(() =>
      this.clock.at(this.clock.now() - 800 * 86_400_000, () => {
        this.store.put('systemusers', user)
        this.store.put('systemusers', admin)
      }),
    )
  }

  /** Returns the rows that readers see now, deleted ones included, in order of id. */
  rows(table: Table): readonly VisibleRow[] {
    return this.store.table(table.set).sorted('id', (a, b) => (a.id < b.id ? -1 : 1))
  }

  /**
   * Returns the version up to which every write of a table is visible. Dataverse never gives out a
   * token beyond a transaction that is still open.
   */
  visibleVersion(table: Table): number {
    const rows = this.store.table(table.set)
    let version = this.#version
    for (const [id, { record }] of rows.state()) {
      const written = versionOf(record)
      const seen = rows.find(id)
      if (!seen || versionOf(seen.record) !== written) version = Math.min(version, written - 1)
    }
    return version
  }

  /** Returns the id of the row that has a golden id. */
  idOf({ set }: Table, key: string): string | undefined {
    return this.#goldenIds.find(set, GOLDEN_ID, key)
  }

  /** Returns the table and the row that an id leads to. */
  findAnywhere(id: string): { table: Table; row: VisibleRow } | undefined {
    for (const table of TABLES) {
      const row = this.store.table(table.set).find(id)
      if (row) return { table, row }
    }
    return undefined
  }

  /** The loser of a merge stays, inactive, and names the winner; its children move. */
  #merge(random: Random): void {
    const set = random.pick(MERGED)
    const { idColumn } = findTable(set)!
    const winner = this.store.pick(random, set)
    const loser = this.store.pick(random, set)
    if (winner === undefined || loser === undefined || winner === loser) return
    if ([winner, loser].some((id) => this.store.table(set).get(id)!.record.merged)) return
    for (const { object, id, field } of this.#children.of(set, loser))
      this.store.put(
        object,
        Object.fromEntries([
          [findTable(object)!.idColumn, id],
          [field, winner],
        ]),
      )
    this.store.put(set, Object.fromEntries([[idColumn, winner]]))
    const lost = { merged: true, statecode: 1, _masterid_value: winner }
    this.store.put(set, { ...lost, ...Object.fromEntries([[idColumn, loser]]) })
  }

  #written(written: Written): void {
    this.#children.follow(written)
    if (written.action !== 'deleted') return
    for (const { object, id } of this.#children.of(written.object, written.id))
      this.store.remove(object, id)
  }
}

export const versionOf = (record: Fields): number => Number(ownValue(record, 'versionnumber'))
