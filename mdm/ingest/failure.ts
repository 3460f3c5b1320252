/**
 * A step of the pipeline failed because of its input. Never a sign that the database is
 * unavailable.
 */
export class StepError extends Error {
  override name = 'StepError'
  constructor(step: string, thrown: unknown) {
    super(`${step}: ${thrownText(thrown)}`, { cause: thrown })
    // Keeps the stack of the original error.
    if (thrown instanceof Error && thrown.stack) this.stack = thrown.stack
  }
}

/** Returns the text of a thrown value, which need not be an Error. */
export function thrownText(thrown: unknown): string {
  try {
    const message = (thrown as { message?: unknown } | null | undefined)?.message
    return typeof message === 'string' && message !== '' ? message : String(thrown)
  } catch {
    return 'something was thrown that has no text'
  }
}

/** Returns a thrown value as an Error, for the log. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(thrownText(thrown))
}
