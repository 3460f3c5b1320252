import { Link } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { goldenType } from '../graph/goldenType.ts'
import { GOLDEN_TYPES } from '../graph/goldenTypes.generated.ts'
import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { type Draft, isEditable, partsOf, statedValue } from '../parts/editor.ts'
import { FieldInput } from '../parts/fieldInput.tsx'
import { Empty, FailureNote, Skeleton } from '../parts/states.tsx'
import { counted, fieldWords } from '../parts/valueText.ts'
import { nameOf } from './finder.tsx'
import { SearchMatchesForDocument, type SearchMatchesForQuery } from './search.generated.ts'
import css from './search.module.css'

type Candidate = NonNullable<SearchMatchesForQuery['matchesFor']>['nodes'][number]

const VERDICTS: Record<Candidate['verdict'], string> = {
  MERGES: '= it would belong to this one',
  POSSIBLE_MATCH: '≈ a steward would decide',
  FORBIDDEN: '≠ evidence forbids a match',
  POSSIBLY_RELATED: '· possibly related',
}

/** Says of a record that is typed in whether it would be new, by the same matching as for all. */
export function NewRecord({ type, onType }: { type: string; onType: (type: string) => void }) {
  const found = goldenType(type)
  const [drafts, setDrafts] = useState<Record<string, Draft>>({})
  const [settled, setSettled] = useState<Record<string, Draft>>({})
  const id = useId()
  const fields = (found?.fields ?? []).filter(isEditable)
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  for (const field of fields) {
    const stated = statedValue(field, settled[field.name] ?? {})
    if ('problem' in stated) problems.push(`${fieldWords(field.name)}: ${stated.problem}`)
    else if (stated.value !== null) values[field.name] = stated.value
  }
  const isAsked = Object.keys(values).length > 0 && problems.length === 0
  if (!found) return <Empty title={`The graph has no golden type ${type}`} />
  const put = (set: typeof setDrafts, field: string, part: string, text: string) =>
    set((d) => ({ ...d, [field]: { ...d[field], [part]: text } }))
  return (
    <form className={css.fresh} onSubmit={(e) => e.preventDefault()} aria-label="A new record">
      <h2>Would this be new?</h2>
      <div className={css.label}>
        <label htmlFor={`${id}-type`}>Type</label>
        <select id={`${id}-type`} value={type} onChange={(e) => onType(e.target.value)}>
          {GOLDEN_TYPES.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <Found type={type} values={isAsked ? values : null} />
      {problems.map((p) => (
        <p key={p} role="alert">
          <span aria-hidden="true">! </span>
          {p}
        </p>
      ))}
      {fields.map((field) =>
        partsOf(field).map(({ name, field: part }) => (
          <div key={`${field.name}.${name}`} className={css.label}>
            <label htmlFor={`${id}-${field.name}-${name}`}>
              {fieldWords(field.name)}
              {name !== '' && `, ${fieldWords(name)}`}
            </label>
            <FieldInput
              id={`${id}-${field.name}-${name}`}
              field={part}
              value={drafts[field.name]?.[name] ?? ''}
              onChange={(text) => put(setDrafts, field.name, name, text)}
              onSettle={(text) => put(setSettled, field.name, name, text)}
            />
          </div>
        )),
      )}
    </form>
  )
}

function Found({ type, values }: { type: string; values: Record<string, unknown> | null }) {
  const { data, failure, loading, slow, again } = useQuery(
    SearchMatchesForDocument,
    values && { type, values },
  )
  const candidates = values ? (data?.matchesFor?.nodes ?? []) : []
  const titles = useTitles(candidates.map((c) => c.goldenId))
  if (!values) return <p className={css.small}>Type what you know; leave out the rest.</p>
  if (failure) return <FailureNote failure={failure} again={again} />
  if (!data) return loading ? <Skeleton rows={2} slow={slow} /> : null
  const same = candidates.filter((c) => c.verdict === 'MERGES').length
  return (
    <section className={css.found} aria-label="What it may be">
      <p role="status">
        <b>
          {same > 0
            ? `Not new: it would belong to ${counted(same, 'golden record')}`
            : candidates.length > 0
              ? `It would be new, with ${counted(candidates.length, 'similar record')}`
              : 'It would be new'}
        </b>
      </p>
      <ul className={css.finder}>
        {candidates.map((c) => (
          <li key={c.goldenId}>
            <Link to="/record/$id" params={{ id: c.goldenId } as never}>
              {nameOf(titles.get(c.goldenId))}
            </Link>
            <span>
              {' '}
              {VERDICTS[c.verdict]}, {c.weight.toFixed(1)} bits, {Math.round(c.probability * 100)} %
            </span>
            <p className={css.small}>{c.because}</p>
          </li>
        ))}
      </ul>
    </section>
  )
}
