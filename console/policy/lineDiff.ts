import fastDiff from 'fast-diff'

export interface DiffLine {
  kind: 'SAME' | 'ADDED' | 'REMOVED'
  text: string
}

/** Lines around a difference that show where it is. */
const contextLines = 3
/** Private characters of Unicode, one a line: more different lines than these are not compared. */
const linesMax = 6_000
const firstCode = 0xe000

/**
 * Returns the lines that differ, with the lines around them; empty if the texts are the same. A gap
 * between two places is a line without text of the kind SAME.
 */
export function lineDiff(before: string, after: string): DiffLine[] {
  const codes = new Map<string, string>()
  const coded = (text: string) =>
    text
      .split('\n')
      .map((line) => {
        const code = codes.get(line) ?? String.fromCharCode(firstCode + codes.size)
        codes.set(line, code)
        return code
      })
      .join('')
  const [a, b] = [coded(before), coded(after)]
  if (codes.size > linesMax) return [{ kind: 'SAME', text: 'Too many lines to compare' }]
  const lines = new Map([...codes].map(([line, code]) => [code, line]))
  const all = fastDiff(a, b).flatMap(([kind, part]) =>
    [...part].map((code): DiffLine => ({ kind: KINDS[kind], text: lines.get(code) ?? '' })),
  )
  const near = all.map((_, i) =>
    all
      .slice(Math.max(0, i - contextLines), i + contextLines + 1)
      .some(({ kind }) => kind !== 'SAME'),
  )
  return all.flatMap((line, i) =>
    near[i] ? [line] : near[i - 1] ? [{ kind: 'SAME' as const, text: '' }] : [],
  )
}

const KINDS = {
  [fastDiff.EQUAL]: 'SAME',
  [fastDiff.INSERT]: 'ADDED',
  [fastDiff.DELETE]: 'REMOVED',
} as const
