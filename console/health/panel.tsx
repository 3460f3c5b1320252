import type { ReactNode } from 'react'
import type { Loaded } from '../graph/useQuery.ts'
import { FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import css from './health.module.css'

/** A part of the screen with its own query: it fails, waits and is refused alone. */
export function Panel<T>({
  title,
  loaded,
  refusal = null,
  children,
}: {
  title: string
  loaded: Loaded<T>
  refusal?: string | null
  children: (data: T) => ReactNode
}) {
  const { data, failure, loading, slow, again } = loaded
  return (
    <section className={css.panel} aria-label={title}>
      <h2>{title}</h2>
      {refusal && <p className={css.small}>{refusal}.</p>}
      {failure && <FailureNote failure={failure} again={again} />}
      {data ? <SlowNote slow={slow} /> : loading && <Skeleton rows={4} slow={slow} />}
      {data && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls is reached by keyboard
        <div className={css.scroll} role="group" aria-label={`${title}, figures`} tabIndex={0}>
          {children(data)}
        </div>
      )}
    </section>
  )
}
