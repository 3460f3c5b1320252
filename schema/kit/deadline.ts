/**
 * Returns what `work` returns, or after `msMax` milliseconds what `late` returns or throws. The
 * work itself goes on: a caller that can abort it does so in `late`.
 */
export async function withDeadline<T>(work: Promise<T>, msMax: number, late: () => T): Promise<T> {
  const overdue = Promise.withResolvers<void>()
  const timer = setTimeout(overdue.resolve, msMax)
  try {
    return await Promise.race([work, overdue.promise.then(late)])
  } finally {
    clearTimeout(timer)
  }
}
