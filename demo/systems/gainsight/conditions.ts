/** Reads the value of a record's field, also through a lookup: `Csm__gr.Email`. */
export type Read = (record: Record<string, unknown>, field: string) => unknown

export interface Rules {
  /** Key of a condition that names the field. */
  nameKey: 'name' | 'fieldName'
  isField(field: string): boolean
  isTime(field: string): boolean
  /** Returns milliseconds since 1970, or undefined if the text is no time of a filter. */
  readTime(text: string): number | undefined
  read: Read
}

type Test = (record: Record<string, unknown>) => boolean

const OPERATORS = new Set([
  ...['EQ', 'NE', 'GT', 'GTE', 'LT', 'LTE', 'IN', 'NOT_IN', 'BTW', 'CONTAINS'],
  ...['STARTS_WITH', 'IS_NULL', 'IS_NOT_NULL'],
])

/** Compiles `where`. Throws what `refuse` makes for anything that the vendor does not document. */
export function compileWhere(where: unknown, rules: Rules, refuse: (why: string) => Error): Test {
  if (where === undefined) return () => true
  const { conditions, expression, ...rest } = objectOf(where, refuse)
  noOthers(rest, refuse)
  if (!Array.isArray(conditions) || conditions.length === 0) throw refuse('conditions')
  const tests = new Map<string, Test>()
  for (const condition of conditions) {
    const { alias, ...body } = objectOf(condition, refuse)
    if (typeof alias !== 'string' || !/^[A-Z]$/.test(alias) || tests.has(alias))
      throw refuse('alias')
    tests.set(alias, compileCondition(body, rules, refuse))
  }
  if (typeof expression !== 'string') throw refuse('expression')
  const words = expression.trim().split(/\s+/)
  const aliases = words.filter((_, n) => n % 2 === 0)
  const joints = new Set(words.filter((_, n) => n % 2 === 1))
  // Documented are chains of AND or of OR. Parentheses and mixed chains are not.
  const known = joints.size <= 1 && [...joints].every((joint) => joint === 'AND' || joint === 'OR')
  const sameAliases =
    aliases.length === tests.size &&
    aliases.every((alias) => tests.has(alias)) &&
    new Set(aliases).size === aliases.length
  if (!known || words.length % 2 === 0 || !sameAliases) throw refuse(`expression ${expression}`)
  const chain = aliases.map((alias) => tests.get(alias)!)
  return joints.has('OR')
    ? (record) => chain.some((test) => test(record))
    : (record) => chain.every((test) => test(record))
}

function compileCondition(
  body: Record<string, unknown>,
  rules: Rules,
  refuse: (why: string) => Error,
): Test {
  const { value, operator, [rules.nameKey]: field, ...rest } = body
  noOthers(rest, refuse)
  if (typeof field !== 'string' || !rules.isField(field)) throw refuse(`field ${field}`)
  if (typeof operator !== 'string' || !OPERATORS.has(operator)) throw refuse(`operator ${operator}`)
  const actual = (record: Record<string, unknown>) => rules.read(record, field) ?? null
  if (operator === 'IS_NULL') return (record) => actual(record) === null
  if (operator === 'IS_NOT_NULL') return (record) => actual(record) !== null
  if (!Array.isArray(value) || value.length === 0) throw refuse(`value of ${field}`)
  const values = value.map((item: unknown) => {
    if (!rules.isTime(field)) return item
    const time = typeof item === 'string' ? rules.readTime(item) : undefined
    if (time === undefined) throw refuse(`Invalid dateTime format (${field}= ${item})`)
    return time
  })
  if (operator === 'IN' || operator === 'NOT_IN') {
    const set = new Set(values)
    return (record) => set.has(actual(record)) === (operator === 'IN')
  }
  const [first, second] = values
  if (values.length !== (operator === 'BTW' ? 2 : 1)) throw refuse(`value of ${field}`)
  return (record) => {
    const now = actual(record)
    if (now === null) return operator === 'NE'
    if (operator === 'EQ') return now === first
    if (operator === 'NE') return now !== first
    if (operator === 'CONTAINS') return String(now).includes(String(first))
    if (operator === 'STARTS_WITH') return String(now).startsWith(String(first))
    if (operator === 'BTW') return compare(now, first) >= 0 && compare(now, second) <= 0
    const order = compare(now, first)
    if (operator === 'GT') return order > 0
    if (operator === 'GTE') return order >= 0
    return operator === 'LT' ? order < 0 : order <= 0
  }
}

/** Compares numbers, and everything else as text. Missing values come first. */
export function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [String(a ?? ''), String(b ?? '')]
  return left < right ? -1 : left > right ? 1 : 0
}

export function objectOf(value: unknown, refuse: (why: string) => Error): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('an object was expected')
  return { ...value }
}

export function noOthers(rest: object, refuse: (why: string) => Error): void {
  const [name] = Object.keys(rest)
  if (name !== undefined) throw refuse(`unknown key ${name}`)
}
