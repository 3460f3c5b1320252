import { useCallback, useEffect, useRef, useState } from 'react'
import { query } from '../graph/client.ts'
import type { Failure } from '../graph/failure.ts'
import type { Operation } from '../graph/operation.ts'

interface Page<Row> {
  page: {
    totalCount?: number | null
    pageInfo: { hasNextPage: boolean; endCursor: string | null }
    nodes: Row[]
  } | null
}
interface Pages<Row> {
  /** The filter that the rows fulfil. */
  of: string
  rows: Row[]
  total: number | null
  after: string | null
  failure: Failure | null
  loading: boolean
}

const slowMs = 2_000

/** A list by pages. Null as filter: nothing is requested. */
export function usePages<Row, F>(
  operation: Operation<Page<Row>, { filter: F; after?: string | null }>,
  filter: F | null,
) {
  const of = JSON.stringify(filter)
  const none: Pages<Row> = {
    ...{ of, rows: [], total: null, after: null, failure: null, loading: filter !== null },
  }
  const [state, setState] = useState<Pages<Row>>(none)
  const [slow, setSlow] = useState(false)
  /** Responses of another filter, or of before a new start, are dropped. */
  const turn = useRef(0)
  const load = useCallback(
    async (after: string | null) => {
      const wanted = JSON.parse(of) as F | null
      const mine = ++turn.current
      if (wanted === null) return
      setState((s) => ({ ...s, loading: true, failure: null }))
      const timer = setTimeout(() => mine === turn.current && setSlow(true), slowMs)
      const { data, failure } = await query(operation, { filter: wanted, after })
      clearTimeout(timer)
      if (mine !== turn.current) return
      setSlow(false)
      const page = data?.page
      setState((s) =>
        page
          ? {
              of,
              rows: after === null ? page.nodes : [...s.rows, ...page.nodes],
              total: page.totalCount ?? null,
              after: page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null,
              failure,
              loading: false,
            }
          : { ...s, of, failure, loading: false },
      )
    },
    [operation, of],
  )
  useEffect(() => {
    void load(null)
  }, [load])
  // Rows of another filter are not shown.
  const shown = state.of === of ? state : none
  return {
    ...shown,
    slow,
    again: () => void load(null),
    more: shown.after === null ? null : () => void load(shown.after),
  }
}
