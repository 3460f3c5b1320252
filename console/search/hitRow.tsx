import { Badge } from '../parts/badge.tsx'
import { fieldWords } from '../parts/valueText.ts'
import css from './search.module.css'
import type { Hit } from './useSearch.ts'

const MATCHES: Record<Hit['match'], string> = {
  ID: 'its id',
  SOURCE_ID: 'id in a source system',
  EQUAL: 'equal',
  PREFIX: 'begins so',
  WORDS: 'has the words',
  SIMILAR: 'similar',
}

interface HitRowProps {
  id: string
  hit: Hit
  title: string
  isCurrent: boolean
  onOpen: () => void
}

/** One golden record that was found, with what agrees and where. */
export function HitRow({ id, hit, title, isCurrent, onOpen }: HitRowProps) {
  const { sourceRecord, field, value } = hit
  return (
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isCurrent}
      className={css.hit}
      onClick={onOpen}
      onKeyDown={(e) => e.key === 'Enter' && onOpen()}
    >
      <b className={css.title}>{title}</b>
      <span className={css.type}>{hit.type}</span>
      <span className={css.what}>
        {sourceRecord ? (
          <>
            <Badge system={sourceRecord.system} label /> {sourceRecord.object}{' '}
            <code>{sourceRecord.sourceId}</code>
          </>
        ) : field ? (
          <>
            {fieldWords(field.replaceAll('.', ', '))}: {value}
          </>
        ) : (
          <code>{hit.goldenId}</code>
        )}
      </span>
      <span className={css.match}>{MATCHES[hit.match]}</span>
    </div>
  )
}
