import type { Clock } from '../kit/clock.ts'
import { Refused, type Reply } from '../kit/exchange.ts'
import type { Query } from '../kit/query.ts'
import { secret } from '../kit/secret.ts'
import { cursorExpired, unknown } from './errors.ts'

/** The place of a row in a list: by time, then by id. */
export interface Place {
  /** Milliseconds since 1970. */
  time: number
  id: string
}

interface Cursor {
  /** The list and its filters; a cursor continues no other. */
  list: string
  after: Place
  issuedAt: number
}

const cursorMs = 15 * 60_000
const cursorsMax = 10_000
const defaultSize = 25
const maxSize = 100
const shortPageEvery = 5

export const byPlace = (a: Place, b: Place): number =>
  a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

/** Cuts lists into pages, and keeps the cursors that it gave. */
export class Pages {
  readonly #clock: Clock
  readonly #cursors = new Map<string, Cursor>()
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `list` names the list with its filters; `rows` are in order of their places. */
  page<Row extends Place>(
    query: Query,
    list: string,
    rows: readonly Row[],
    show: (row: Row) => unknown,
  ): Reply {
    const size = query.integer('page[size]', 1, maxSize, defaultSize)
    const after = this.#after(query, list)
    const first = after ? firstBeyond(rows, after) : 0
    this.#count += 1
    // Rows can be filtered after they were read, so a page can be short before the end.
    const isShort = this.#count % shortPageEvery === 0 && first + size < rows.length
    const shown = rows.slice(first, first + (isShort ? Math.floor(size / 2) : size))
    const last = shown.at(-1) ?? after
    const isEnd = first + shown.length >= rows.length
    const next = isEnd ? {} : { next: this.#issue(list, last ?? beforeAll) }
    return { status: 200, body: { data: shown.map(show), meta: { page: { size, ...next } } } }
  }

  #after(query: Query, list: string): Place | undefined {
    const text = query.text('page[after]')
    if (text === undefined) return undefined
    const cursor = this.#cursors.get(text)
    if (!cursor || cursor.list !== list)
      throw unknown(400, 'bad_cursor', 'The cursor belongs to another list', 'page[after]')
    if (this.#clock.now() - cursor.issuedAt > cursorMs) throw new Refused(cursorExpired)
    return cursor.after
  }

  #issue(list: string, { time, id }: Place): string {
    const text = secret('cur_')
    this.#cursors.set(text, { list, after: { time, id }, issuedAt: this.#clock.now() })
    if (this.#cursors.size > cursorsMax) this.#cursors.delete(this.#cursors.keys().next().value!)
    return text
  }
}

const beforeAll: Place = { time: Number.NEGATIVE_INFINITY, id: '' }

/** Returns the index of the first row beyond a place. */
function firstBeyond(rows: readonly Place[], after: Place): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (byPlace(rows[middle]!, after) > 0) high = middle
    else low = middle + 1
  }
  return low
}
