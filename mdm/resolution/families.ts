import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Transaction } from '../db/database.ts'
import type { Assigned } from '../golden/assign.ts'
import type { Stated } from '../golden/stored.ts'
import type { SourceRecord } from '../records/records.ts'
import { isLive } from './context.ts'

/** The source records of a golden record, and those that it names as its parent. */
export interface Family {
  keys: ReadonlySet<string>
  parents: ReadonlySet<string>
}

export function isParentOf(parent: Family, child: Family): boolean {
  return [...child.parents].some((key) => parent.keys.has(key))
}

/** Returns the families of a component: parents are what live records and stewards state. */
export function familiesOf(
  assigned: readonly Assigned<SourceRecord>[],
  field: string,
  { values }: Stated,
): Map<string, Family> {
  return new Map(
    assigned.map((at) => {
      const records = [...at.members, ...at.inactiveMembers]
      const stated = records.flatMap((r) =>
        (values.get(r.key) ?? []).flatMap((v) => (v.field === field ? [v.value] : [])),
      )
      const parents = records.filter(isLive).map((r) => ownValue(r.canonical, field))
      return [
        at.goldenId,
        {
          keys: new Set(records.map((r) => r.key)),
          parents: new Set([...parents, ...stated].filter((v) => typeof v === 'string')),
        },
      ]
    }),
  )
}

/** Returns the families of stored golden records; an index scan on the golden id. */
export async function loadFamilies(
  tx: Transaction,
  field: string,
  ids: readonly string[],
): Promise<Map<string, Family>> {
  if (ids.length === 0) return new Map()
  const rows = await tx<{ id: string; keys: string[]; parents: (string | null)[] }[]>`
    select r.golden_id as id, array_agg(r.key) as keys,
      array_agg(case when r.complete and not r.deleted then r.canonical ->> ${field} end)
        || array(select s.value #>> '{}' from standing s join source_record m on m.key = s.a
          where m.golden_id = r.golden_id and s.kind = 'VALUE' and s.field = ${field}) as parents
    from source_record r where r.golden_id = any(${ids}::uuid[]) group by r.golden_id`
  return new Map(
    rows.map((r) => [
      r.id,
      { keys: new Set(r.keys), parents: new Set(r.parents.filter((key) => key !== null)) },
    ]),
  )
}
