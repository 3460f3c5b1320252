import { ConfigError } from '../../schema/kit/configError.ts'

/** A part of a name that gives the order. SEQUENCE counts up by one; NUMBER only grows. */
type Part = { is: 'SEQUENCE' | 'NUMBER' } | { is: 'DATE'; letters: string[] }

/** What a name says about its place in the order. */
export interface NameOrder {
  /** Compared one by one, then the name itself. */
  keys: readonly (string | bigint)[]
  /** The number of `{sequence}`; null where the pattern has none. */
  sequence: number | null
  /** The numbers of one series follow each other: the date, where the numbers restart with it. */
  series: string
}

/** The names of an object's files: `customers_{yyyyMMdd}_{sequence}.csv*`. */
export interface NamePattern {
  text: string
  hasSequence: boolean
  /** Returns the order of a name; null for a name of another form. */
  match(name: string): NameOrder | null
  /** Returns the pattern with a number in place of `{sequence}`, as a name for a missing file. */
  missingName(sequence: number, series: string): string
  /** Returns the order of a missing file. */
  missingOrder(sequence: number, series: string): NameOrder
}

const DATE_LETTERS = /yyyy|MM|dd|HH|mm|ss/g
const DATE = /yyyy/
const PARTS = /\{([^{}]*)\}/g

/**
 * Compiles a pattern of file names. `*` stands for any characters and `?` for one. In braces stand
 * `sequence`, `number`, or a date as yyyyMMdd or yyyy-MM-dd_HHmmss. `restarts`: the sequence begins
 * again with each date. Throws ConfigError.
 */
export function compileNamePattern(text: string, { restarts = false } = {}): NamePattern {
  if (/[/\\]/.test(text) || text === '' || text.length > 255)
    throw new ConfigError(`"${text}" is not a pattern of file names: write one without folders`)
  const parts: Part[] = []
  const withoutParts = text.replace(PARTS, (_, inner: string) => {
    parts.push(partOf(text, inner))
    return '\u0000'
  })
  if (/[{}]/.test(withoutParts))
    throw new ConfigError(`"${text}": a brace is open; write {sequence}, {number} or {yyyyMMdd}`)
  const sequences = parts.filter((p) => p.is === 'SEQUENCE').length
  if (sequences > 1) throw new ConfigError(`"${text}": a name has one {sequence}`)
  if (restarts && (sequences === 0 || !parts.some((p) => p.is === 'DATE')))
    throw new ConfigError(
      `"${text}": a sequence that restarts needs {sequence} and a date, as {yyyyMMdd}_{sequence}`,
    )
  let n = 0
  const source = [...withoutParts]
    .map((c) =>
      c === '\u0000' ? sourceOf(parts[n++]) : c === '*' ? '.*' : c === '?' ? '.' : quoted(c),
    )
    .join('')
  const expression = new RegExp(`^${source}$`, 'su')
  // A sequence that goes on is the whole order; one that restarts counts within its date.
  const inOrder = parts
    .map((part, at) => ({ part, at }))
    .sort((a, b) => rank(a.part, restarts) - rank(b.part, restarts))
  return {
    text,
    hasSequence: sequences > 0,
    match(name) {
      const groups = expression.exec(name)?.slice(1)
      if (!groups) return null
      const keys: (string | bigint)[] = []
      let sequence: number | null = null
      const series: string[] = []
      for (const { part, at } of inOrder) {
        const value = groups[at] ?? ''
        if (part.is === 'DATE') {
          const date = sortable(value, part.letters)
          if (date === null) return null
          if (restarts) series.push(date)
          keys.push(date)
        } else {
          if (part.is === 'SEQUENCE') sequence = Number(value)
          keys.push(BigInt(value))
        }
      }
      return { keys, sequence, series: series.join(' ') }
    },
    missingName: (sequence, series) =>
      text.replace(PARTS, (all, inner: string) =>
        inner === 'sequence' ? String(sequence) : restarts && DATE.test(inner) ? series : all,
      ),
    missingOrder: (sequence, series) => ({
      keys: [...(series === '' ? [] : series.split(' ')), BigInt(sequence)],
      sequence,
      series,
    }),
  }
}

/** Compiles a pattern without parts, as of names that are ignored. Throws ConfigError. */
export function compileGlob(text: string): (name: string) => boolean {
  const pattern = compileNamePattern(text)
  return (name) => pattern.match(name) !== null
}

/** Compares two places in the order of names. */
export function compareOrder(
  a: { keys: readonly (string | bigint)[]; name: string },
  b: { keys: readonly (string | bigint)[]; name: string },
): number {
  for (const [i, key] of a.keys.entries()) {
    const other = b.keys[i]
    if (other === undefined) break
    if (key !== other) return key < other ? -1 : 1
  }
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1
}

function partOf(pattern: string, inner: string): Part {
  if (inner === 'sequence') return { is: 'SEQUENCE' }
  if (inner === 'number') return { is: 'NUMBER' }
  const letters: string[] = inner.match(DATE_LETTERS) ?? []
  const rest = inner.replace(DATE_LETTERS, '')
  if (
    letters.includes('yyyy') &&
    /^[-_.T]*$/.test(rest) &&
    new Set(letters).size === letters.length
  )
    return { is: 'DATE', letters: [...inner.matchAll(/yyyy|MM|dd|HH|mm|ss|./g)].map((m) => m[0]) }
  throw new ConfigError(
    `"${pattern}": {${inner}} is unknown; write {sequence}, {number}, or a date of yyyy, MM, dd, HH, mm, ss`,
  )
}

function sourceOf(part: Part | undefined): string {
  if (part?.is !== 'DATE') return part?.is === 'SEQUENCE' ? '(\\d{1,15})' : '(\\d{1,30})'
  const of = (l: string) => (l === 'yyyy' ? '\\d{4}' : l.length === 2 ? '\\d{2}' : quoted(l))
  return `(${part.letters.map(of).join('')})`
}

function rank(part: Part, restarts: boolean): number {
  if (part.is === 'SEQUENCE') return restarts ? 1 : -1
  return restarts && part.is === 'NUMBER' ? 2 : 0
}

/** Writes a date in the order year to second; null where it is no date. */
function sortable(value: string, letters: readonly string[]): string | null {
  const found = new Map<string, string>()
  let at = 0
  for (const l of letters) {
    found.set(l, value.slice(at, at + l.length))
    at += l.length
  }
  const of = (letter: string, otherwise: string) => found.get(letter) ?? otherwise
  const date = `${of('yyyy', '')}-${of('MM', '01')}-${of('dd', '01')}T${of('HH', '00')}:${of('mm', '00')}:${of('ss', '00')}Z`
  const ms = Date.parse(date)
  // 31 February passes the parser as 3 March.
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date.slice(0, 10)
    ? null
    : date.replace(/\D/g, '')
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
