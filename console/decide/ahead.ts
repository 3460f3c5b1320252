import { useSyncExternalStore } from 'react'
import { type Outcome, query } from '../graph/client.ts'
import { DecisionDocument, type DecisionQuery } from './decide.generated.ts'

export type Pair = NonNullable<DecisionQuery['task']>

interface Entry {
  /** Null while it is on its way. */
  outcome: Outcome<DecisionQuery> | null
  startedMs: number
}

/** Pairs in memory: the present one, the next three, and some that may come back by undo. */
const entriesMax = 8
const entries = new Map<string, Entry>()
const listeners = new Set<() => void>()
const changed = () => {
  for (const listener of listeners) listener()
}

/** Loads a pair, unless it is loaded or on its way. */
export function loadAhead(id: string): void {
  if (entries.has(id)) return
  const entry: Entry = { outcome: null, startedMs: performance.now() }
  entries.set(id, entry)
  for (const [oldest] of entries) {
    if (entries.size <= entriesMax) break
    if (oldest !== id) entries.delete(oldest)
  }
  void query(DecisionDocument, { id }).then((outcome) => {
    // A pair that was dropped meanwhile is of an older version.
    if (entries.get(id) !== entry) return
    entries.set(id, { ...entry, outcome })
    changed()
  })
}

/** Forgets pairs that changed, so that the next look loads them again. */
export function forget(isChanged: (id: string, pair: Pair | null) => boolean): void {
  for (const [id, { outcome }] of [...entries])
    if (isChanged(id, outcome?.data?.task ?? null)) entries.delete(id)
  changed()
}

/** Returns a pair as it was loaded; null while it is on its way. */
export function usePair(id: string): Outcome<DecisionQuery> | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => entries.get(id)?.outcome ?? null,
  )
}
