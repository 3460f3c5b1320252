import type { Titled } from '../graph/titles.ts'
import { Badge } from '../parts/badge.tsx'
import { FailureNote } from '../parts/states.tsx'
import css from './search.module.css'
import { useSearch } from './useSearch.ts'

/** Finds a golden record of some types by a text, to choose it. */
export function Finder({
  text,
  types,
  without,
  onChoose,
}: {
  text: string
  types: string[]
  /** A golden id that cannot be chosen. */
  without?: string
  onChoose: (id: string) => void
}) {
  const { hits, titles, failure, again, asked, loading } = useSearch(text, types)
  const shown = hits.filter((h) => h.goldenId !== without).slice(0, 8)
  return (
    <>
      {failure && <FailureNote failure={failure} again={again} />}
      <ul className={css.finder} aria-label="Found">
        {shown.map((h) => (
          <li key={h.goldenId}>
            <button type="button" onClick={() => onChoose(h.goldenId)}>
              <b>{nameOf(titles.get(h.goldenId))}</b>
              <span>
                {h.sourceRecord && <Badge system={h.sourceRecord.system} />}{' '}
                {h.sourceRecord?.sourceId ?? h.value ?? h.goldenId}
              </span>
            </button>
          </li>
        ))}
      </ul>
      <p role="status" className={css.small}>
        {asked !== '' && !loading && shown.length === 0 && !failure && 'Nothing found.'}
      </p>
    </>
  )
}

/** Names are there a moment after the hits. */
export function nameOf(found: Titled | undefined): string {
  return found ? (found.title ?? `${found.type} ${found.id.slice(0, 8)}`) : '…'
}
