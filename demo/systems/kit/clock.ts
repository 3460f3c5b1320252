export interface Clock {
  /** Returns milliseconds since 1970. */
  now(): number
  advance(ms: number): void
  /** Runs work at a fixed time; afterwards the clock continues from where it was. */
  at(time: number, work: () => void): void
}

/** The clock runs with real time, so that clients that wait for a limit see it end. */
export function createClock(): Clock {
  let ahead = 0
  let fixed: number | undefined
  return {
    now: () => fixed ?? Date.now() + ahead,
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`the clock cannot move by ${ms} ms`)
      ahead += ms
    },
    at(time, work) {
      const before = fixed
      fixed = time
      try {
        work()
      } finally {
        fixed = before
      }
    },
  }
}
