import type { AnyVariables } from '@urql/core'
import { useCallback, useEffect, useRef, useState } from 'react'
import { type Outcome, query } from './client.ts'
import type { Failure } from './failure.ts'
import type { Operation } from './operation.ts'

/** From then on a screen says that it waits. */
const slowMs = 2_000

export interface Loaded<T> {
  /** The last result; null until the first one. It stays while another one is on its way. */
  data: T | null
  failure: Failure | null
  loading: boolean
  /** The response is late. */
  slow: boolean
  /** Requests it again; the last result stays until then. */
  again: () => void
}

/**
 * Runs a query, again whenever the variables change. Null as variables: nothing is requested. A
 * result of earlier variables never replaces one of later ones.
 */
export function useQuery<T, V extends AnyVariables>(
  operation: Operation<T, V>,
  variables: V | null,
): Loaded<T> {
  return useRequest<Operation<T, V>, T, V>(query, operation, variables)
}

/** As `useQuery`, for what `run` requests, for example several operations as one. */
export function useRequest<O, T, V>(
  run: (operation: O, variables: V) => Promise<Outcome<T>>,
  operation: O,
  variables: V | null,
): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'again'>>({
    data: null,
    failure: null,
    loading: variables !== null,
    slow: false,
  })
  const [turn, setTurn] = useState(0)
  const text = variables === null ? null : JSON.stringify(variables)
  const shown = useRef<string | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a turn requests the same again
  useEffect(() => {
    if (text === null) return
    let current = true
    const isOther = shown.current !== null && shown.current !== text
    setState((s) => ({ ...s, ...(isOther ? { failure: null } : {}), loading: true, slow: false }))
    const timer = setTimeout(() => current && setState((s) => ({ ...s, slow: true })), slowMs)
    void run(operation, JSON.parse(text) as V).then(({ data, failure }) => {
      clearTimeout(timer)
      if (!current) return
      shown.current = text
      setState((s) => ({
        data: data ?? (isOther ? null : s.data),
        failure,
        loading: false,
        slow: false,
      }))
    })
    return () => {
      current = false
      clearTimeout(timer)
    }
  }, [run, operation, text, turn])
  const again = useCallback(() => setTurn((n) => n + 1), [])
  return { ...state, again }
}
