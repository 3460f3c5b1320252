import type { ReactNode } from 'react'
import css from './scroll.module.css'

/** What may be wider than its place: it scrolls by itself, and is reached by keyboard. */
export function Scroll({ title, children }: { title: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
    <section className={css.scroll} aria-label={title} tabIndex={0}>
      {children}
    </section>
  )
}
