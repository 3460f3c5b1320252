import { isMap } from '../../mapping/rule.ts'
import { noStep, type PagerOf, saysMore } from './pager.ts'

/** The request names the id of the last row of the page before. */
export const lastIdPager: PagerOf<'lastId'> = ({ size, more }) => ({
  step: (state) =>
    isMap(state) && typeof state.lastId === 'string' ? { ...noStep, lastId: state.lastId } : noStep,
  next(_state, { body, rows, lastId, total }, refuse) {
    const goesOn = more ? saysMore(more, body, refuse) : rows >= size || (total ?? 0) > rows
    if (!goesOn || (rows === 0 && !more)) return undefined
    return lastId === null
      ? refuse('REPEATED_PAGE', 'the answer announces more rows and has none')
      : { lastId }
  },
})
