const secondMsMin = 1_000

/**
 * Returns a signal that is aborted when the process has to stop: Ctrl-C, SIGTERM, SIGHUP (unless
 * `hangUp` is false), or the end of its launcher. A second signal, more than a second later (a
 * terminal and npm send the first one twice), ends the process at once.
 */
export function stopSignal({ hangUp = true } = {}): AbortSignal {
  const stop = new AbortController()
  let first = 0
  const onStop = () => {
    if (!stop.signal.aborted) {
      first = Date.now()
      stop.abort()
    } else if (Date.now() - first > secondMsMin) process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onStop)
  // If SIGHUP has another meaning, a process that does not use it ignores it.
  process.on('SIGHUP', hangUp ? onStop : () => {})
  process.once('disconnect', onStop)
  // The listener alone would keep the process alive as long as its launcher.
  process.channel?.unref()
  return stop.signal
}

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
