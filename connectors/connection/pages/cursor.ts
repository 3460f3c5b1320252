import { scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { markText } from '../request/render.ts'
import { headerText } from '../request/verdict.ts'
import { noStep, type PagerOf, saysMore } from './pager.ts'

/** The answer has a value that is sent with the request of the next page. */
export const cursorPager: PagerOf<'cursor'> = ({ path, header, as, more }) => ({
  step(state) {
    const cursor = isMap(state) ? markText(state.cursor) : null
    return cursor === null ? noStep : { ...noStep, mark: { ...as, value: cursor } }
  },
  next(_state, { body, headers }, refuse) {
    if (more && !saysMore(more, body, refuse)) return undefined
    const given = header ? headerText(headers, header) : path?.first(scopeOf(body))
    // Some systems write the word in a header after the last page.
    const cursor = given === 'null' ? null : markText(given)
    if (cursor !== null) return { cursor }
    return more ? refuse('NO_CURSOR', 'the answer announces more rows without a cursor') : undefined
  },
})
