const secondMsMin = 1_000

/**
 * Aborts when the process is told to stop: Ctrl-C, SIGTERM, SIGHUP (unless `hangUp` is false), or the launcher that started it is
 * gone. A second signal, more than a second later (a terminal and npm send the first one twice), ends it at once.
 */
export function stopSignal({ hangUp = true } = {}): AbortSignal {
  const stop = new AbortController()
  let first = 0
  const told = () => {
    if (!stop.signal.aborted) {
      first = Date.now()
      stop.abort()
    } else if (Date.now() - first > secondMsMin) process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, told)
  // Where it means something else, what has no use for it passes it over.
  process.on('SIGHUP', hangUp ? told : () => {})
  process.once('disconnect', told)
  // Listening alone would keep the process alive for as long as its launcher is.
  process.channel?.unref()
  return stop.signal
}

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
