import { useCallback, useEffect, useRef, useState } from 'react'
import { query } from '../graph/client.ts'
import type { Failure } from '../graph/failure.ts'
import { ExceptionListDocument, type ExceptionRowFragment } from './exceptions.generated.ts'
import type { Filter } from './filter.ts'

const pageRows = 60
/** Largest page of the graph. */
const pageRowsMax = 200
const slowMs = 2_000

interface Exceptions {
  rows: ExceptionRowFragment[]
  /** Cursor of the last row; null if there are no more. */
  after: string | null
  failure: Failure | null
  loading: boolean
  slow: boolean
}
const NONE: Exceptions = { rows: [], after: null, failure: null, loading: true, slow: false }

/** The exceptions of a filter, the oldest first, page by page. Rows stay while others are loaded. */
export function useExceptions(filter: Filter) {
  const [list, setList] = useState<Exceptions>(NONE)
  const text = JSON.stringify(filter)
  /** Responses of another filter, or of before a new start, are dropped. */
  const turn = useRef(0)
  const shown = useRef(0)
  shown.current = list.rows.length

  const load = useCallback(
    async (after: string | null, first: number) => {
      const mine = ++turn.current
      setList((l) => ({ ...l, loading: true, failure: null }))
      const timer = setTimeout(() => setList((l) => ({ ...l, slow: true })), slowMs)
      const { data, failure } = await query(ExceptionListDocument, {
        filter: JSON.parse(text) as Filter,
        first,
        after,
      })
      clearTimeout(timer)
      if (mine !== turn.current) return
      const page = data?.inboundExceptions
      setList((l) => ({
        rows: page ? [...(after === null ? [] : l.rows), ...page.nodes] : l.rows,
        after: page
          ? page.pageInfo.hasNextPage
            ? (page.pageInfo.endCursor ?? null)
            : null
          : l.after,
        failure,
        loading: false,
        slow: false,
      }))
    },
    [text],
  )
  useEffect(() => {
    setList(NONE)
    void load(null, pageRows)
  }, [load])
  const again = useCallback(
    () => void load(null, Math.min(pageRowsMax, Math.max(pageRows, shown.current))),
    [load],
  )
  const more = useCallback(() => {
    if (list.after !== null) void load(list.after, pageRows)
  }, [list.after, load])
  return { ...list, again, more }
}
