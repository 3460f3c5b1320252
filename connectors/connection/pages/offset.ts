import { isMap } from '../../mapping/rule.ts'
import type { Pages } from '../definition/pages.ts'
import { noStep, type Pager, saysMore } from './pager.ts'

/** How often a list is read again from its begin because rows left it. */
const againMax = 3

/**
 * The request names the number of rows before the page, or the number of the page. Where rows leave
 * the part that was read, all others move up and one is lost at the border of a page (rule 11). A
 * system that announces the number of all rows shows it: the list is read from its begin again.
 */
export function offsetPager(pages: Extract<Pages, { how: 'offset' | 'page' }>): Pager {
  const { how, as, size, first, more } = pages
  const begin = { at: first, rows: 0, total: null as number | null, again: 0 }
  const of = (state: unknown): typeof begin =>
    isMap(state)
      ? {
          at: Number(state.at),
          rows: Number(state.rows),
          total: typeof state.total === 'number' ? state.total : null,
          again: Number(state.again ?? 0),
        }
      : begin
  return {
    step: (state) => ({ ...noStep, mark: { ...as, value: of(state).at } }),
    next(state, page, refuse) {
      const { at, rows: before, total, again } = of(state)
      if (total !== null && page.total !== null && page.total < total && again < againMax)
        return { ...begin, again: again + 1 }
      const rows = before + page.rows
      const next = { at: how === 'page' ? at + 1 : first + rows, rows, total: page.total, again }
      if (more) {
        if (!saysMore(more, page.body, refuse)) return undefined
        return page.rows > 0
          ? next
          : refuse('REPEATED_PAGE', 'the answer announces more rows and has none')
      }
      const announced = page.total !== null && rows < page.total
      return page.rows > 0 && (page.rows >= size || announced) ? next : undefined
    },
  }
}
