/** A step of the pipeline failed by the fault of what it worked on: never a sign that the database is away. */
export class StepError extends Error {
  override name = 'StepError'
  constructor(step: string, thrown: unknown) {
    super(`${step}: ${thrownText(thrown)}`, { cause: thrown })
    // Where it happened is of use, not where it was caught.
    if (thrown instanceof Error && thrown.stack) this.stack = thrown.stack
  }
}

/** The text of what was thrown, which need not be an Error. */
export function thrownText(thrown: unknown): string {
  try {
    const message = (thrown as { message?: unknown } | null | undefined)?.message
    return typeof message === 'string' && message !== '' ? message : String(thrown)
  } catch {
    return 'something was thrown that has no text'
  }
}

/** What was thrown as an Error, for the log. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(thrownText(thrown))
}
