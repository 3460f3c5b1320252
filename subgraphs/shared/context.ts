import DataLoader from 'dataloader'
import type { Sql } from '../../mdm/db/database.ts'
import type { RequestInfo } from '../contract.ts'

/** Keys that one statement is asked for at most. */
const keysPerStatementMax = 1_000

/** The connections that read for a caller; asked each time, because those of rights that are seldom used come and go. */
export type SqlOf = (request: RequestInfo) => { sql: Sql; bound: boolean }

/** For callers of whom none is bound. */
export function unbound(sql: Sql): SqlOf {
  const found = { sql, bound: false }
  return () => found
}

/** What resolvers of one operation share. No #private fields: where a subgraph is a service, the server copies it. */
export class RequestContext {
  readonly scopes: ReadonlySet<string>
  /** Who asks, for what is changed. */
  readonly request: RequestInfo
  private readonly sqlOf: SqlOf
  private readonly loaders = new Map<string, DataLoader<string, unknown>>()
  private readonly made = new Map<string, unknown>()

  constructor(request: RequestInfo, sqlOf: SqlOf) {
    this.request = request
    this.scopes = request.scopes
    this.sqlOf = sqlOf
  }

  /** Reads with the caller's rights; there is no other connection for reads of what is mastered. */
  get sql(): Sql {
    return this.sqlOf(this.request).sql
  }

  /** Whether the caller may not see every row. */
  get bound(): boolean {
    return this.sqlOf(this.request).bound
  }

  /** What is worked out once an operation, however many parents ask: `name` says everything it depends on. */
  once<T>(name: string, make: () => T): T {
    if (!this.made.has(name)) this.made.set(name, make())
    return this.made.get(name) as T
  }

  /**
   * The loader of this name, made on first use. `read` answers a map from key to value; keys it leaves out get `missing`.
   * The name must say everything that the values depend on beside the key: arguments, page, order.
   *
   * A loader forgets what it has read with every batch: what is asked for after a mutation of the same operation is to be
   * as it is then.
   */
  load<V>(
    name: string,
    key: string,
    missing: V,
    read: (keys: readonly string[]) => Promise<Map<string, V>>,
  ): Promise<V> {
    let loader = this.loaders.get(name) as DataLoader<string, V> | undefined
    if (!loader) {
      const made: DataLoader<string, V> = new DataLoader(
        async (keys: readonly string[]) => {
          made.clearAll()
          const found = await read(keys)
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
