import type { SortColumn } from '../../mdm/db/keyset.ts'
import type { Relation } from '../../mdm/db/page.ts'
import {
  type OperationalRow,
  operationalListing,
  operationalOfGolden,
  operationalOfRecord,
} from '../../mdm/golden/read/list.ts'
import { operationalFields } from '../../mdm/golden/read/listField.ts'
import { flagsOf } from '../../mdm/golden/read/operationalFacts.ts'
import { readOperational } from '../../mdm/golden/read/read.ts'
import { fieldsOf, type OperationalType } from '../../schema/operational.ts'
import type { Policy } from '../../schema/policy.ts'
import {
  type Connection,
  type ConnectionArguments,
  type ListSpec,
  listConnection,
  relatedConnection,
  sortedPageRequest,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { enumName } from '../shared/listSdl.ts'

/** Returns the date by which the objects of a golden record are sorted by default, newest first. */
function orderDate(type: OperationalType): string | undefined {
  return fieldsOf(type).find(([, kind]) => kind === 'DATE')?.[0]
}

/** Readers of the operational objects of one type. */
export interface OperationalList {
  all(args: ConnectionArguments, context: RequestContext): Connection
  /** Objects whose `field` references a member of the golden record. */
  ofGolden(
    field: string,
  ): (parent: { id: string }, args: ConnectionArguments, context: RequestContext) => Connection
  /** Objects whose `field` references another operational object. */
  ofRecord(
    field: string,
  ): (parent: { id: string }, args: ConnectionArguments, context: RequestContext) => Connection
  one(id: string, context: RequestContext): Promise<OperationalRow | null>
}

export function operationalList(policy: Policy, type: OperationalType): OperationalList {
  const listing = operationalListing(type)
  const fields = operationalFields(type, new Set(policy.types.map((t) => t.name)))
  const order = new Map(
    fields.flatMap((f): [string, SortColumn][] => (f.sort ? [[enumName(f.name), f.sort]] : [])),
  )
  const date = order.get(enumName(orderDate(type) ?? ''))
  const related: ListSpec = {
    fields,
    flags: flagsOf(type),
    source: { row: 't.record_id', record: 's.id' },
    unique: listing.unique,
    order,
    defaultOrder: date ? [{ column: date, descending: true }] : [],
    sensitive: new Map(),
  }
  // The whole list is sorted by arrival: dates have no index, and sorting the whole table is too
  // slow.
  const whole: ListSpec = {
    ...related,
    defaultOrder: [{ column: listing.unique, descending: true }],
  }

  function relatedBy(relation: Relation, field: string) {
    return (
      parent: { id: string },
      args: ConnectionArguments,
      context: RequestContext,
    ): Connection => {
      const name = `${type} by ${field} ${JSON.stringify(args)}`
      const request = context.once(name, () => sortedPageRequest(related, args, context.scopes))
      return relatedConnection(context, name, { listing, relation, parent: parent.id }, request)
    }
  }

  return {
    all: (args, context) =>
      listConnection(context, listing, sortedPageRequest(whole, args, context.scopes)),
    ofGolden: (field) => relatedBy(operationalOfGolden(type, field), field),
    ofRecord: (field) => relatedBy(operationalOfRecord(type, field), field),
    one: (id, context) =>
      context.load<OperationalRow | null>(type, id.toLowerCase(), null, (keys, sql) =>
        readOperational(sql, type, keys),
      ),
  }
}
