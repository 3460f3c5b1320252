import DataLoader from 'dataloader'
import type { AccessRecorder } from '../../mdm/access/accessRecorder.ts'
import type { Through } from '../../mdm/access/sensitiveAccess.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { RequestInfo } from '../contract.ts'
import type { ReadKeys, SharedReads } from './sharedReads.ts'

/** Keys that one statement is asked for at most. */
const keysPerStatementMax = 1_000

/**
 * The connections that read for a caller; asked each time, because those of rights that are seldom
 * used come and go.
 */
export type SqlOf = (request: RequestInfo) => { sql: Sql; bound: boolean }

/** For callers of whom none is bound. */
export function unbound(sql: Sql): SqlOf {
  const found = { sql, bound: false }
  return () => found
}

/** What of sensitive fields was shown to somebody. */
export interface Shown {
  through: Through
  type: string
  fields: readonly string[]
  id: string | null
}

/**
 * What resolvers of one operation share. No #private fields: where a subgraph is a service, the
 * server copies it.
 */
export class RequestContext {
  readonly scopes: ReadonlySet<string>
  /** Who asks, for what is changed. */
  readonly request: RequestInfo
  private readonly sqlOf: SqlOf
  private readonly sharedReads: SharedReads
  /** Where it is noted who saw sensitive fields; without it that is nowhere. */
  reads: Pick<AccessRecorder, 'note'> | null = null
  private readonly loaders = new Map<string, DataLoader<string, unknown>>()
  private readonly made = new Map<string, unknown>()

  constructor(request: RequestInfo, sqlOf: SqlOf, sharedReads: SharedReads) {
    this.request = request
    this.scopes = request.scopes
    this.sqlOf = sqlOf
    this.sharedReads = sharedReads
  }

  /**
   * Reads with the caller's rights; there is no other connection for reads of what is mastered.
   * Throws why nobody waits for the operation any more.
   */
  get sql(): Sql {
    this.request.signal?.throwIfAborted()
    return this.sqlOf(this.request).sql
  }

  /** Whether the caller may not see every row. */
  get bound(): boolean {
    return this.sqlOf(this.request).bound
  }

  /**
   * These sensitive fields of a record are shown to the caller; `id` is its golden id or its key.
   */
  shows(through: Through, type: string, fields: readonly string[], id: string | null): void {
    if (!this.reads || fields.length === 0) return
    this.reads.note(this.request, through, type, fields, id)
    this.request.shown?.push({ through, type, fields, id } satisfies Shown)
  }

  /**
   * What is worked out once an operation, however many parents ask: `name` says everything it
   * depends on.
   */
  once<T>(name: string, make: () => T): T {
    if (!this.made.has(name)) this.made.set(name, make())
    return this.made.get(name) as T
  }

  /**
   * The loader of this name, made on first use. `read` answers a map from key to value; keys it
   * leaves out get `missing`. The name must say everything that the values depend on beside the
   * key: arguments, page, order. Of the caller `read` knows nothing but the connections that it is
   * given, because it reads for others with the same rights as well.
   *
   * A loader forgets what it has read with every batch: what is asked for after a mutation of the
   * same operation is to be as it is then.
   */
  load<V>(name: string, key: string, missing: V, read: ReadKeys<V>): Promise<V> {
    let loader = this.loaders.get(name) as DataLoader<string, V> | undefined
    if (!loader) {
      const made: DataLoader<string, V> = new DataLoader(
        async (keys: readonly string[]) => {
          made.clearAll()
          this.request.signal?.throwIfAborted()
          const found = await this.sharedReads.read(
            name,
            keys,
            () => this.sqlOf(this.request).sql,
            read,
          )
          return keys.map((k) => found.get(k) ?? missing)
        },
        { maxBatchSize: keysPerStatementMax },
      )
      loader = made
      this.loaders.set(name, made as DataLoader<string, unknown>)
    }
    return loader.load(key)
  }
}
