import { scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { linkAddress, linkOfHeader, noStep, type PagerOf } from './pager.ts'

/** The address of the next page stands in the answer, or in its header Link. */
export const linkPager: PagerOf<'link'> = ({ path }) => ({
  step: (state) =>
    isMap(state) && typeof state.link === 'string' ? { ...noStep, address: state.link } : noStep,
  next(_state, { body, headers, url }, refuse) {
    const given = path ? path.first(scopeOf(body)) : linkOfHeader(headers)
    if (given === undefined || given === null || given === false) return undefined
    if (typeof given !== 'string') return refuse('FOREIGN_ADDRESS', 'the next page has no address')
    return { link: linkAddress(given, url, refuse) }
  },
})
