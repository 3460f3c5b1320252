import type { GraphField } from '../graph/goldenTypes.ts'

/** What a person typed for a field: one text, or a text for each part of a group. */
export type Draft = Record<string, string>
const WHOLE = ''

/** Returns the parts that are typed one by one; one without a name stands for the whole value. */
export function partsOf(field: GraphField): { name: string; field: GraphField }[] {
  if (field.kind === 'GROUP' && !field.list)
    return (field.parts ?? []).map((part) => ({ name: part.name, field: part }))
  if (field.kind === 'MONEY' && !field.list)
    return [
      { name: 'amount', field: { name: 'amount', kind: 'NUMBER' } },
      { name: 'currency', field: { name: 'currency', kind: 'TEXT' } },
    ]
  return [{ name: WHOLE, field }]
}

/** Returns whether the console can state a value of the field: lists of groups it cannot. */
export function isEditable(field: GraphField): boolean {
  const parts = field.kind === 'GROUP' ? (field.parts ?? []) : []
  if (field.list && (field.kind === 'GROUP' || field.kind === 'MONEY')) return false
  return parts.every((p) => p.kind !== 'GROUP' && p.kind !== 'MONEY' && !p.list)
}

export function draftOf(field: GraphField, value: unknown): Draft {
  if (value === null || value === undefined) return {}
  if (field.list && Array.isArray(value)) return { [WHOLE]: value.join('\n') }
  const group = value as Record<string, unknown>
  if (field.kind === 'MONEY') {
    const currency = String(group.currency ?? '')
    const amount = Number(group.minorUnits) / 10 ** digitsOf(currency)
    return { amount: String(amount), currency }
  }
  if (field.kind === 'GROUP')
    return Object.fromEntries(
      Object.entries(group).flatMap(([k, v]) =>
        v === null || v === undefined ? [] : [[k, String(v)]],
      ),
    )
  return { [WHOLE]: String(value) }
}

/** Returns the value that a draft states, or what is wrong with it. An empty one states: no value. */
export function statedValue(
  field: GraphField,
  draft: Draft,
): { value: unknown } | { problem: string } {
  const text = (draft[WHOLE] ?? '').trim()
  if (field.list) {
    const items = text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]))
    return { value: items.length > 0 ? items : null }
  }
  if (field.kind === 'MONEY') return money(draft)
  if (field.kind !== 'GROUP') return scalar(field, text)
  const entries: [string, unknown][] = []
  for (const part of field.parts ?? []) {
    const found = scalar(part, (draft[part.name] ?? '').trim())
    if ('problem' in found) return found
    if (found.value !== null) entries.push([part.name, found.value])
  }
  return { value: entries.length > 0 ? Object.fromEntries(entries) : null }
}

function scalar(field: GraphField, text: string): { value: unknown } | { problem: string } {
  if (text === '') return { value: null }
  if (field.kind === 'YES_NO') return { value: text === 'true' }
  if (field.kind !== 'NUMBER') return { value: text }
  const number = Number(text)
  return Number.isFinite(number) ? { value: number } : { problem: `${text} is not a number` }
}

function money(draft: Draft): { value: unknown } | { problem: string } {
  const amount = (draft.amount ?? '').trim()
  const currency = (draft.currency ?? '').trim().toUpperCase()
  if (amount === '' && currency === '') return { value: null }
  if (!/^[A-Z]{3}$/.test(currency)) return { problem: 'The currency has three letters, as EUR' }
  if (!Number.isFinite(Number(amount)) || amount === '')
    return { problem: `${amount || 'Nothing'} is not an amount` }
  return { value: { minorUnits: Math.round(Number(amount) * 10 ** digitsOf(currency)), currency } }
}

function digitsOf(currency: string): number {
  try {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency })
    return format.resolvedOptions().maximumFractionDigits ?? 2
  } catch {
    return 2
  }
}
