import type { ParquetValue } from '../../../connectors/file/parquet/parquetValue.ts'
import type { FieldValue, MatchRecord } from '../../../mdm/match/engine.ts'
import type { FieldNames } from '../../../mdm/match/fieldNames.ts'
import { createDictionary } from '../../../schema/kit/dictionary.ts'

/** Members of an address, which is compared as a whole. */
const ADDRESS_PARTS = new Set(['street', 'city', 'region', 'postcode', 'country'])

/**
 * Returns the cells of a row as fields. An address in parts stays whole; the members of any other
 * structure become fields of their own, `contact.email` as contact_email.
 */
export function flatFields(
  cells: Iterable<readonly [column: string, ParquetValue]>,
  names: FieldNames,
  wanted: ReadonlySet<string> | null,
): MatchRecord['fields'] {
  const fields = createDictionary<FieldValue | FieldValue[]>()
  const add = (column: string, value: ParquetValue) => {
    if (!Array.isArray(value) && typeof value === 'object' && !isAddress(value)) {
      for (const [name, member] of Object.entries(value)) add(`${column}.${name}`, member)
      return
    }
    const list = Array.isArray(value) ? leaves(value) : []
    if (list.some((v) => typeof v === 'object' && !isAddress(v))) {
      for (const [name, members] of membersOf(list)) add(`${column}.${name}`, members)
      return
    }
    const field = names.fieldOf(column)
    if (wanted === null || wanted.has(field))
      fields[field] = (Array.isArray(value) ? list : value) as FieldValue | FieldValue[]
  }
  for (const [column, value] of cells) add(column, value)
  return fields
}

function leaves(list: readonly ParquetValue[]): ParquetValue[] {
  return list.flatMap((value) => (Array.isArray(value) ? leaves(value) : [value]))
}

/** Returns the members of a list of structures as lists, by their names. */
function membersOf(list: readonly ParquetValue[]): Map<string, ParquetValue[]> {
  const members = new Map<string, ParquetValue[]>()
  for (const structure of list)
    for (const [name, member] of typeof structure === 'object' ? Object.entries(structure) : []) {
      const known = members.get(name)
      if (known) known.push(member)
      else members.set(name, [member])
    }
  return members
}

function isAddress(value: ParquetValue): boolean {
  return (
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.entries(value).every(([name, v]) => ADDRESS_PARTS.has(name) && typeof v === 'string')
  )
}
