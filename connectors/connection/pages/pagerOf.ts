import type { Pages } from '../definition/pages.ts'
import { cursorPager } from './cursor.ts'
import { lastIdPager } from './lastId.ts'
import { linkPager } from './link.ts'
import { offsetPager } from './offset.ts'
import { noStep, type Pager } from './pager.ts'

const onePage: Pager = { step: () => noStep, next: () => undefined }

export function pagerOf(pages: Pages | null): Pager {
  switch (pages?.how) {
    case 'link':
      return linkPager(pages)
    case 'cursor':
      return cursorPager(pages)
    case 'offset':
    case 'page':
      return offsetPager(pages)
    case 'lastId':
      return lastIdPager(pages)
    case undefined:
      return onePage
  }
}
