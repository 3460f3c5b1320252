import { valueText } from '../parts/valueText.ts'
import type { Pair } from './ahead.ts'

/** A value that a field could have, with where it comes from. */
export interface Candidate {
  value: unknown
  text: string
  systems: string[]
  /** How `choices` of a merge names it. */
  choice: { field: string; golden?: string; source?: string }
}

export interface FieldRow {
  field: string
  /** The golden value of each record, in the order of the columns. */
  values: unknown[]
  /** Systems of each of these values. */
  systems: string[][]
  same: boolean
  candidates: Candidate[]
}

const candidatesMax = 9

/** Returns the rows of the comparison: fields that differ first, then those that are the same. */
export function fieldRows(subjects: Pair['subjects']): FieldRow[] {
  const systemOf = new Map(subjects.flatMap((s) => s.members.map((m) => [m.id, m.system] as const)))
  const names = [...new Set(subjects.flatMap((s) => Object.keys(s.values as object)))]
  const rows = names.flatMap((field): FieldRow[] => {
    const values = subjects.map((s) => (s.values as Record<string, unknown>)[field])
    const texts = values.map(valueText)
    if (texts.every((t) => t === null)) return []
    const systems = subjects.map((s) => {
      const sources = s.origins.find((o) => o.field === field)?.sources ?? []
      return [...new Set(sources.flatMap((key) => systemOf.get(key) ?? []))]
    })
    return [
      {
        field,
        values,
        systems,
        same: texts.every((t) => t === texts[0]),
        candidates: candidatesOf(field, subjects, systems),
      },
    ]
  })
  return [...rows.filter((r) => !r.same), ...rows.filter((r) => r.same)]
}

/** The golden values first, then further ones of source records. Each text once. */
function candidatesOf(field: string, subjects: Pair['subjects'], systems: string[][]): Candidate[] {
  const found = new Map<string, Candidate>()
  const add = (value: unknown, from: string[], choice: Candidate['choice']) => {
    const text = valueText(value)
    if (text === null) return
    const known = found.get(text)
    if (known) known.systems = [...new Set([...known.systems, ...from])]
    else found.set(text, { value, text, systems: [...from], choice })
  }
  subjects.forEach((s, n) => {
    add((s.values as Record<string, unknown>)[field], systems[n] ?? [], {
      field,
      golden: s.goldenId,
    })
  })
  for (const s of subjects)
    for (const m of s.members)
      add((m.values as Record<string, unknown>)[field], [m.system], { field, source: m.id })
  return [...found.values()].slice(0, candidatesMax)
}
