import { Link } from '@tanstack/react-router'
import type { GraphField } from '../graph/goldenTypes.ts'
import type { Titled } from '../graph/titles.ts'
import { Value } from '../parts/value.tsx'
import { codeWords } from '../parts/valueText.ts'

/** A value of a golden record: a reference leads to its record. */
export function FieldValue({
  field,
  value,
  against,
  titles,
  plain = false,
}: {
  field: GraphField | undefined
  value: unknown
  against?: unknown
  titles: ReadonlyMap<string, Titled>
  /** Without links, for what stands in a button or is of the past. */
  plain?: boolean
}) {
  if (field?.kind === 'REFERENCE' && value !== null && value !== undefined)
    return (Array.isArray(value) ? value : [value]).map((id) => (
      <RecordLink key={String(id)} id={String(id)} titles={titles} plain={plain} />
    ))
  return <Value value={wordsOf(field, value)} against={wordsOf(field, against)} />
}

function wordsOf(field: GraphField | undefined, value: unknown): unknown {
  return field?.kind === 'CODE' && typeof value === 'string' ? codeWords(value) : value
}

export function RecordLink({
  id,
  titles,
  plain = false,
}: {
  id: string
  titles: ReadonlyMap<string, Titled>
  plain?: boolean
}) {
  const found = titles.get(id)
  const text = found?.title ?? (found ? `${found.type} without a name` : id)
  return plain ? (
    <span>{text}</span>
  ) : (
    <Link to="/record/$id" params={{ id } as never}>
      {text}
    </Link>
  )
}

/** Returns the ids of golden records in values of a record. */
export function referencesIn(fields: readonly GraphField[], field: string, value: unknown) {
  const isReference = fields.some((f) => f.name === field && f.kind === 'REFERENCE')
  return isReference
    ? (Array.isArray(value) ? value : [value]).filter((v): v is string => typeof v === 'string')
    : []
}
