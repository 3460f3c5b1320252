import { ownValue } from '../../../schema/kit/dictionary.ts'

type Fields = Record<string, unknown>

/** A query of an export: `select A, B from Object [where C = 'x' and D >= 'y'] [order by E]`. */
export interface ExportQuery {
  object: string
  /** As the query writes them, and the field of a record that each names. */
  columns: { label: string; field: string }[]
  test(record: Fields): boolean
}

/** Returns undefined if the query has a syntax error or a field that the object does not have. */
export function parseExportQuery(
  text: string,
  fieldsOf: (object: string) => readonly string[] | undefined,
): ExportQuery | undefined {
  const parts =
    /^\s*select\s+(.+?)\s+from\s+(\w+)(?:\s+where\s+(.+?))?(?:\s+order\s+by\s+(\w+)(?:\s+(?:asc|desc))?)?\s*$/is.exec(
      text,
    )
  const [, select = '', name = '', where, order] = parts ?? []
  const known = fieldsOf(name)
  if (!known) return undefined
  const fieldOf = (label: string) => {
    const [, joined, own = ''] = /^(?:(\w+)\.)?(\w+)$/.exec(label) ?? []
    // `Account.Id` of a contact is its `accountId`; the object's own name may stand before a field.
    const wanted = joined && joined.toLowerCase() !== name.toLowerCase() ? joined + own : own
    return known.find((field) => field.toLowerCase() === wanted.toLowerCase())
  }
  const labels = select.trim() === '*' ? known : select.split(',').map((label) => label.trim())
  const columns = labels.map((label) => ({ label, field: fieldOf(label) ?? '' }))
  if (columns.some(({ field }) => field === '')) return undefined
  if (order !== undefined && fieldOf(order) === undefined) return undefined
  const tests = (where?.split(/\s+and\s+/i) ?? []).map((condition) => {
    const [, label = '', operator, value = ''] =
      /^(\S+)\s*(=|!=|>=|<=|>|<)\s*'([^']*)'$/.exec(condition.trim()) ?? []
    const field = fieldOf(label)
    return field && operator ? comparison(field, operator, value) : undefined
  })
  if (tests.some((test) => test === undefined)) return undefined
  return { object: name, columns, test: (record) => tests.every((test) => test!(record)) }
}

function comparison(field: string, operator: string, value: string) {
  const isTime = field.endsWith('Date') && value.includes('T')
  const bound = isTime ? Date.parse(value) : value
  return (record: Fields) => {
    const actual = ownValue(record, field) ?? ''
    const left = isTime ? Date.parse(String(actual)) : String(actual)
    if (operator === '=') return left === bound
    if (operator === '!=') return left !== bound
    if (operator === '>=') return left >= bound
    if (operator === '<=') return left <= bound
    return operator === '>' ? left > bound : left < bound
  }
}
