/** Work that is repeated until it is stopped. */
export interface Repeated {
  /** Resolves when no turn runs any more. */
  stop(): Promise<void>
}

/**
 * Repeats work at an interval. A turn is skipped while the one before it runs: turns must not pile
 * up on a database that hangs. The timer does not keep the process alive.
 */
export function repeat(
  everyMs: number,
  work: () => Promise<unknown>,
  onError: (error: unknown) => void,
): Repeated {
  let running: Promise<unknown> | null = null
  const timer = setInterval(() => {
    running ??= work()
      .catch(onError)
      .finally(() => {
        running = null
      })
  }, everyMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
