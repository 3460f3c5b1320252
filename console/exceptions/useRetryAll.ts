import { useRef, useState } from 'react'
import type { Filter } from './filter.ts'
import { type RetryProgress, retry } from './work.ts'

/** A retry of many that is under way, or whose messages are being applied. */
export interface RetryRun extends RetryProgress {
  /** The list that it is about. */
  filter: string
  /** How many were open when it began. */
  total: number
  sending: boolean
}

/** Retries all exceptions of a filter, and says how far it is. */
export function useRetryAll(changed: () => void) {
  const [run, setRun] = useState<RetryRun | null>(null)
  const latest = useRef(changed)
  latest.current = changed
  const start = async (filter: Filter, total: number, reason: string, key: string) => {
    const text = JSON.stringify(filter)
    setRun({ filter: text, total, queued: 0, left: total, sending: true })
    const isDone = await retry(filter, reason, key, (now) => {
      setRun({ filter: text, total, ...now, sending: true })
      latest.current()
    })
    setRun((r) => (isDone && r ? { ...r, sending: false } : null))
    latest.current()
    return isDone
  }
  return { run, start, close: () => setRun(null) }
}
