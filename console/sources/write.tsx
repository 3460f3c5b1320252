import type { ReactNode } from 'react'
import { Time } from '../parts/time.tsx'
import { codeWords, counted, fieldWords, valueText } from '../parts/valueText.ts'
import type { SourceWritesQuery } from './sources.generated.ts'
import css from './sources.module.css'

type Intent = NonNullable<SourceWritesQuery['writeIntents']>['nodes'][number]

/** One write: what it changes, its state with the reason, and the golden record it follows. */
export function Write({
  write: w,
  title,
  link,
  actions,
}: {
  write: Intent
  /** Name of the golden record. */
  title: string | null
  link: (text: string) => ReactNode
  actions: ReactNode[]
}) {
  return (
    <li data-write={w.id} className={css.write}>
      <div className={css.line}>
        <b>{codeWords(w.state)}</b>
        <span>
          {w.operation === 'CREATE' ? 'creates' : 'changes'} {w.object}{' '}
          {w.recordId ?? '(not there yet)'}
        </span>
        {link(title ?? `${w.type} ${w.goldenId.slice(0, 8)}`)}
        <span className={css.grow} />
        {actions}
      </div>
      {(w.code !== null || w.detail !== null) && (
        <p>
          {w.code !== null && <code>{w.code}</code>} {w.detail}
        </p>
      )}
      {w.changes.map((c) => (
        <p key={c.field} className={css.small}>
          {fieldWords(c.field)}: {valueText(c.before) ?? 'no value'} →{' '}
          <b>{valueText(c.after) ?? 'no value'}</b>
          {c.paths.length > 0 && ` (${c.paths.join(', ')})`}
        </p>
      ))}
      {w.refused.map((r) => (
        <p key={`${r.field} ${r.code}`} className={css.bad}>
          <span aria-hidden="true">✗ </span>
          {r.field === '' ? 'the record' : fieldWords(r.field)}: {r.detail}
        </p>
      ))}
      <p className={css.small}>
        planned <Time at={w.plannedAt} /> for version {w.goldenVersion}
        {w.sentAt && (
          <>
            {' '}
            · sent <Time at={w.sentAt} /> ({counted(w.attempts, 'time')})
          </>
        )}
        {w.notBefore && (
          <>
            {' '}
            · not before <Time at={w.notBefore} />
          </>
        )}
        {w.conflicts > 0 && ` · ${counted(w.conflicts, 'conflict')} in a row`}
        {w.waitsFor !== null && ' · waits for another record'}
        {w.actor !== null && ` · last by ${w.actor}`}
      </p>
    </li>
  )
}
