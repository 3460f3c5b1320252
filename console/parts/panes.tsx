import type { ReactNode } from 'react'
import css from './panes.module.css'

/**
 * Two panes: a list or fields on the left, its preview on the right, always in sight. On a narrow
 * screen the second one follows below.
 */
export function Panes({
  title,
  head,
  first,
  second,
  secondTitle,
  even = false,
}: {
  title: string
  head?: ReactNode
  first: ReactNode
  second?: ReactNode
  secondTitle?: string
  /** Both panes have the same width. */
  even?: boolean
}) {
  return (
    <div className={css.whole}>
      <div className={css.head}>
        <h1>{title}</h1>
        {head}
      </div>
      <div
        className={css.panes}
        data-two={second !== undefined || undefined}
        data-even={even || undefined}
      >
        <section className={css.first} aria-label={title}>
          {first}
        </section>
        {second !== undefined && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
          <section className={css.second} aria-label={secondTitle} tabIndex={0}>
            {second}
          </section>
        )}
      </div>
    </div>
  )
}
