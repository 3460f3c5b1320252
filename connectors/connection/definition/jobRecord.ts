import { z } from 'zod'
import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { isMap } from '../../mapping/rule.ts'
import { shape } from './shape.ts'

/** Returns the record, in the form of the list, of a row of texts by its columns. */
export type JobRecord = (row: Readonly<Record<string, string | null>>) => Record<string, unknown>

const columns = z.array(z.string().min(1)).min(1).optional()
export const jobRecordSchema = shape({
  first: z.literal('small').optional(),
  rename: z.record(z.string(), z.string().min(1)).optional(),
  numbers: columns,
  flags: z.literal(true).optional(),
})

/** Longer numbers may lose digits. */
const digitsMax = 15

/** Makes `record:` of the results of a job. An empty cell is no field. */
export function readJobRecord({
  first,
  rename = {},
  numbers = [],
  flags,
}: z.output<typeof jobRecordSchema>): JobRecord {
  const renamed = new Map(Object.entries(rename))
  const numeric = new Set(numbers)
  const small = (name: string) =>
    first === undefined ? name : name.slice(0, 1).toLowerCase() + name.slice(1)
  const pathOf = (column: string): [string] | [string, string] => {
    const whole = renamed.get(column)
    if (whole !== undefined) return [whole]
    const [prefix = '', ...rest] = column.split('.')
    const field = rest.join('.')
    if (field === '') return [small(prefix)]
    return [renamed.get(prefix) ?? small(prefix), renamed.get(field) ?? small(field)]
  }
  const paths = new Map<string, [string] | [string, string]>()
  return (row) => {
    const record: Record<string, unknown> = {}
    for (const [column, text] of Object.entries(row)) {
      if (text === null) continue
      const path = paths.get(column) ?? pathOf(column)
      paths.set(column, path)
      const name = column.slice(column.lastIndexOf('.') + 1)
      const value = numeric.has(name) ? numberOf(text) : flags ? flagOf(text) : text
      const [outer, inner] = path
      if (inner === undefined) setOwn(record, outer, value)
      else {
        const nested = ownValue(record, outer)
        const map = isMap(nested) ? nested : {}
        setOwn(map, inner, value)
        setOwn(record, outer, map)
      }
    }
    return record
  }
}

/** A text that is no number, or would lose digits, stays as it is. */
function numberOf(text: string): number | string {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return text
  const digits = text.replace(/[-.]/g, '').replace(/^0+/, '').length
  return digits <= digitsMax || String(Number(text)) === text ? Number(text) : text
}

function flagOf(text: string): boolean | string {
  return text === 'true' ? true : text === 'false' ? false : text
}
