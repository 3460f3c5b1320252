import { useEffect, useRef } from 'react'

/** How often a screen without a subscription looks again. */
export const refreshMs = 10_000

/** Calls `again` regularly while the page is in sight. */
export function useRefresh(again: () => void, everyMs = refreshMs): void {
  const latest = useRef(again)
  latest.current = again
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') latest.current()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
}
