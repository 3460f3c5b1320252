/** Lines in one second. */
const linesMaxDefault = 20
const everyMs = 1_000

/** Bounds the lines of a log that anybody can cause, so that a flood of requests fills no disk. */
export class LogBudget {
  readonly #report: (omitted: number) => void
  readonly #linesMax: number
  #lines = 0
  #timer: NodeJS.Timeout | null = null

  /** `report` receives how many lines of a second were left out, if any were. */
  constructor(report: (omitted: number) => void, linesMax = linesMaxDefault) {
    this.#report = report
    this.#linesMax = linesMax
  }

  /** Returns true if a line may be logged now. */
  take(): boolean {
    this.#timer ??= setTimeout(() => {
      const omitted = this.#lines - this.#linesMax
      this.#lines = 0
      this.#timer = null
      if (omitted > 0) this.#report(omitted)
    }, everyMs).unref()
    this.#lines++
    return this.#lines <= this.#linesMax
  }
}
