/**
 * Runs `work` if its last run was longer than `msMax` ago. Callers during a run wait for that run.
 */
export function throttle(msMax: number, work: () => Promise<void>): () => Promise<void> {
  let at = Number.NEGATIVE_INFINITY
  let running: Promise<void> | null = null
  return () => {
    if (running) return running
    if (performance.now() - at < msMax) return Promise.resolve()
    running = work().finally(() => {
      at = performance.now()
      running = null
    })
    return running
  }
}
