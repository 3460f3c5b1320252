import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'

/** SuiteQL that NetSuite refuses. `unknown`: the model does not know a word of it. */
export class BadSuiteQl extends Error {
  readonly unknown: boolean
  constructor(message: string, unknown = false) {
    super(message)
    this.unknown = unknown
  }
}

/** Forms that Postgres would execute and NetSuite does not know. */
const FOREIGN: readonly RegExp[] = [
  /::/,
  /\b(limit|ilike|similar|returning|lateral|true|false|boolean|jsonb?|interval|now|rownum)\b/i,
  /"/,
  /\$/,
  /--|\/\*/,
  /;/,
  /\b(pg_|information_schema|current_|rowid)|__df\b/i,
]
const FUNCTIONS = new Set(
  `to_char to_date to_timestamp sys_extract_utc nvl coalesce count sum min max avg upper lower trim
  length substr round abs concat in and or not exists from select where on having by as when then else
  over values distinct union all`.split(/\s+/),
)

/**
 * Returns a query for Postgres: `BUILTIN.DF(column)` becomes the display column of that column.
 * Throws if it is no single SELECT of SuiteQL.
 */
export function translate(q: string): string {
  const query = q.trim()
  const bare = query.replaceAll(/'(?:[^']|'')*'/g, "''")
  if (!/^select\b/i.test(bare)) throw new BadSuiteQl('only SELECT is supported', true)
  const foreign = FOREIGN.find((pattern) => pattern.test(bare))
  if (foreign) throw new BadSuiteQl(`unexpected "${foreign.exec(bare)![0]}"`, true)
  const display = query.replaceAll(
    /\bBUILTIN\.DF\(\s*((?:\w+\.)?\w+)\s*\)/gi,
    (_match, column: string) => `${column}__df`,
  )
  const called = bare.replaceAll(/\bBUILTIN\.DF\s*\(/gi, '(').matchAll(/\b([a-z_][\w.]*)\s*\(/gi)
  for (const [, name = ''] of called)
    if (!FUNCTIONS.has(name.toLowerCase())) throw new BadSuiteQl(`unknown function ${name}`, true)
  return display
}

/** Whether the whole result has an order. Without one, pages of a result do not fit together. */
export const isOrdered = (query: string): boolean => {
  const outer = query.replaceAll(/'(?:[^']|'')*'/g, "''")
  for (let depth = 0, at = outer.length - 1; at >= 0; at--) {
    if (outer[at] === ')') depth += 1
    if (outer[at] === '(') depth -= 1
    if (depth === 0 && /^order\s+by\b/i.test(outer.slice(at))) return true
  }
  return false
}

const DATE_TYPES = new Set([1082, 1114, 1184])

/** Returns a row as the REST API writes it: every value is a text, and null is left out. */
export function showRow(
  columns: readonly { name: string; type: number }[],
  values: readonly (string | null)[],
): Record<string, unknown> {
  const shown: Record<string, unknown> = { links: [] }
  for (const [at, { name, type }] of columns.entries()) {
    const value = values[at] ?? null
    if (value === null || value === '' || ownValue(shown, name) !== undefined) continue
    // Columns that the model adds to the tables of the account.
    if (
      name === 'rowid' ||
      (name.endsWith('__df') && columns.some((other) => name === `${other.name}__df`))
    )
      continue
    setOwn<unknown>(shown, name, DATE_TYPES.has(type) ? dateOf(value) : plain(type, value))
  }
  return shown
}

/** Dates are written in the format of the user, and without their time. */
function dateOf(value: string): string {
  const [year, month, day] = value.slice(0, 10).split('-').map(Number)
  return `${month}/${day}/${year}`
}

const numericType = 1700
const plain = (type: number, value: string) =>
  type === numericType ? String(Number(value)) : value
