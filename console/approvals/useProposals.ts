import { useCallback, useEffect, useRef, useState } from 'react'
import { query } from '../graph/client.ts'
import type { Failure } from '../graph/failure.ts'
import { useLive } from '../graph/live.ts'
import {
  ApprovalsChangesDocument,
  ApprovalsListDocument,
  type ApprovalsListQueryVariables,
  type ProposalFragment,
} from './approvals.generated.ts'

interface Proposals {
  /** Whose proposals these are; null: of everybody. */
  actor: string | null
  rows: ProposalFragment[]
  total: number | null
  /** Cursor of the next page; null if there is none. */
  before: string | null
  failure: Failure | null
  loading: boolean
}

const none = (actor: string | null): Proposals => ({
  ...{ actor, rows: [], total: null, before: null, failure: null, loading: true },
})
const slowMs = 2_000
/** Changes of many proposals at once load the list once. */
const changesMs = 300

/**
 * The proposals that wait, the oldest first: it expires first. The list loads again when a proposal
 * comes or is decided, as far as it was loaded.
 */
export function useProposals(actor: string | null) {
  const [state, setState] = useState<Proposals>(() => none(actor))
  const [slow, setSlow] = useState(false)
  /** Responses of before a new start are dropped. */
  const turn = useRef(0)
  const length = useRef(0)
  length.current = state.rows.length

  const page = useCallback(
    (before: string | null) => {
      const filter: ApprovalsListQueryVariables['filter'] = { states: ['PROPOSED'] }
      if (actor !== null) filter.actor = actor
      return query(ApprovalsListDocument, { filter, before })
    },
    [actor],
  )
  const load = useCallback(
    async (from: string | null, rowsMin: number) => {
      const mine = ++turn.current
      setState((s) => ({ ...s, loading: true, failure: null }))
      const timer = setTimeout(() => setSlow(true), slowMs)
      const rows: ProposalFragment[] = []
      let next = from
      for (;;) {
        const { data, failure } = await page(next)
        if (mine !== turn.current) return clearTimeout(timer)
        const found = data?.stewardActions
        if (!found) {
          setState((s) => ({ ...s, failure, loading: false }))
          break
        }
        // The page is the last of a list that begins with the latest.
        rows.push(...found.nodes.toReversed())
        next = found.pageInfo.hasPreviousPage ? (found.pageInfo.startCursor ?? null) : null
        if (next !== null && rows.length < rowsMin) continue
        const before = next
        setState((s) => ({
          actor,
          rows: from === null ? rows : [...s.rows, ...rows],
          total: found.totalCount ?? null,
          ...{ before, failure, loading: false },
        }))
        break
      }
      clearTimeout(timer)
      setSlow(false)
    },
    [page, actor],
  )
  useEffect(() => {
    setState(none(actor))
    void load(null, 0)
  }, [load, actor])

  const again = useCallback(() => void load(null, length.current), [load])
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const soon = () => {
    clearTimeout(timer.current)
    timer.current = setTimeout(again, changesMs)
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  const changed = useRef<() => void>(() => {})
  useLive(
    ApprovalsChangesDocument,
    {},
    () => {
      soon()
      changed.current()
    },
    () => {
      soon()
      changed.current()
    },
  )
  const more = () => {
    if (state.before !== null && !state.loading) void load(state.before, 0)
  }
  // Until the list of another filter is there, it has no rows.
  const shown = state.actor === actor ? state : none(actor)
  return { ...shown, slow, again, more, changed }
}
