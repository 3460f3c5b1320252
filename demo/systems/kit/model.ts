import type { Faults } from './faults.ts'
import type { Automation, Write } from './writes.ts'

/** Opens model systems of one vendor. */
export interface Model {
  kind: string
  open(options?: ModelOptions): Promise<ModelSystem>
}

export interface ModelOptions {
  /** Makes ids and drawn values repeatable. */
  seed?: number
  /** `vendor` (the default) limits the request rate as the vendor does. */
  limits?: 'vendor' | 'none'
}

/** A system that behaves as the vendor documents it, over HTTP on the loopback address. */
export interface ModelSystem {
  kind: string
  /** `http://127.0.0.1:PORT`. */
  url: string
  /** Values that a client needs to sign in, by the vendor's names. Secrets are new for each system. */
  credentials: Readonly<Record<string, string>>
  /**
   * Milliseconds since 1970. It runs with real time and can be moved forward. A client must use
   * this clock for time windows, because `day` moves it.
   */
  clock: { now(): number; advance(ms: number): void }
  /** The API's names of the objects, parents before children. */
  objects: readonly string[]
  /**
   * The truth: each record as the API returns it, by id. It includes rows that are not visible yet
   * and all deleted records, also those that were deleted before a client came.
   */
  state(object: string): ReadonlyMap<string, Row>
  /**
   * Creates a record, or changes the one whose id the fields name, as a user of the system does.
   * Returns its id. Throws if a field is unknown.
   */
  put(object: string, fields: Record<string, unknown>): string
  /** Deletes a record as a user of the system does. Throws if the vendor does not permit it. */
  remove(object: string, id: string): void
  /** Creates `count` records of each object, with references between them, in the past. */
  fill(count: number, seed: number): void
  /** Makes `changes` creates, changes and deletes, some at equal times, and ends a day later. */
  day(changes: number, seed: number): void
  /**
   * Adds a rule of the system, which changes a record right after each create and change of it, by
   * users and by the API. Returns a function that removes the rule. A rule follows no other rule.
   */
  automate(object: string, rule: Automation): () => void
  /**
   * Returns what was written by `put`, `remove`, the API and rules, oldest first. What a write makes
   * of other records is listed too; `fill` and `day` are not.
   */
  writes(): readonly Write[]
  faults: Faults
  requests(): Requests
  close(): Promise<void>
}

export interface Row {
  record: Record<string, unknown>
  deleted: boolean
}

export interface Requests {
  /** All requests, refused ones included. */
  count: number
  /** Requests with a path, parameter or field that the model does not know. All were refused. */
  unknown: readonly string[]
  /** Largest number of requests in any window of the vendor's limit, refused ones included. */
  mostInAWindow: number
}
