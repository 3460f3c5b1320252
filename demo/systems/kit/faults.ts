export type Fault =
  /** Answers with a status and the vendor's error body, before the request is executed. */
  | { kind: 'status'; status: number; retryAfterSeconds?: number }
  /** Executes the request and then answers with a server error. */
  | { kind: 'afterWrite'; status: number }
  /**
   * Closes the connection: before the request is executed, after it without an answer, or in the
   * middle of the answer.
   */
  | { kind: 'cut'; after: 'nothing' | 'execution' | 'half' }
  /** Waits, then executes the request and answers. */
  | { kind: 'slow'; ms: number }
  /** Executes the request at once and answers late. */
  | { kind: 'lateAnswer'; ms: number }
  /** Executes the request and never answers; the connection stays open. */
  | { kind: 'noAnswer' }
  /** Executes the request twice, as after a proxy that repeats it, and gives the second answer. */
  | { kind: 'twice' }
  /** Refuses a cursor or token that the request carries, as if it had expired. */
  | { kind: 'expired'; what: 'cursor' | 'token' }
  /** The job that the request asks about ends without results. */
  | { kind: 'failedJob' }
  /** Answers 200 with half of the JSON. */
  | { kind: 'invalidJson' }
  /** Refuses as if the credential had no permission. */
  | { kind: 'forbidden' }

/** Faults on demand. Each is used up by the requests that it met. */
export interface Faults {
  /**
   * Plans a fault for the next `times` requests (default 1, Infinity for ever). `where` is matched
   * against the method, the path with its decoded query, and after a line break the body.
   */
  add(fault: Fault, where?: RegExp, times?: number): void
  /** Makes the next `rows` written rows visible only `ms` after they were written. */
  late(ms: number, rows: number): void
  /** Returns how many requests met a fault of each kind; `late` counts rows. */
  met(): ReadonlyMap<Fault['kind'] | 'late', number>
  /** Removes the faults that are still planned. */
  clear(): void
}

interface PlannedFault {
  fault: Fault
  where: RegExp | undefined
  left: number
}

export class PlannedFaults implements Faults {
  #planned: PlannedFault[] = []
  #late = { ms: 0, rows: 0 }
  readonly #met = new Map<Fault['kind'] | 'late', number>()

  add(fault: Fault, where?: RegExp, times = 1): void {
    if (where?.global || where?.sticky) throw new Error('the pattern of a fault keeps no position')
    this.#planned.push({ fault, where, left: times })
  }

  late(ms: number, rows: number): void {
    this.#late = { ms, rows }
  }

  met(): ReadonlyMap<Fault['kind'] | 'late', number> {
    return new Map(this.#met)
  }

  clear(): void {
    this.#planned = []
    this.#late = { ms: 0, rows: 0 }
  }

  /** Returns the first planned fault for a request that `applies`, and uses it up. */
  take(request: string, applies: (fault: Fault) => boolean): Fault | undefined {
    const found = this.#planned.find(
      ({ fault, where }) => (where?.test(request) ?? true) && applies(fault),
    )
    if (!found) return undefined
    found.left -= 1
    if (found.left <= 0) this.#planned = this.#planned.filter((planned) => planned !== found)
    this.#count(found.fault.kind)
    return found.fault
  }

  /** Returns the delay in ms of a row that is being written. */
  takeLateness(): number {
    if (this.#late.rows <= 0) return 0
    this.#late.rows -= 1
    this.#count('late')
    return this.#late.ms
  }

  #count(kind: Fault['kind'] | 'late'): void {
    this.#met.set(kind, (this.#met.get(kind) ?? 0) + 1)
  }
}
