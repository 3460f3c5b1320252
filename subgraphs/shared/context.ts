import DataLoader from 'dataloader'
import type { AccessRecorder } from '../../mdm/access/accessRecorder.ts'
import type { Through } from '../../mdm/access/sensitiveAccess.ts'
import type { CursorSeal } from '../../mdm/db/cursorSeal.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { RequestInfo } from '../contract.ts'
import type { ReadKeys, SharedReads } from './sharedReads.ts'

/** Maximum number of keys of one statement. */
const keysPerStatementMax = 1_000

/**
 * Returns the connections that read for a caller. Called each time, because rarely used connections
 * are closed and reopened.
 */
export type SqlOf = (request: RequestInfo) => {
  sql: Sql
  bound: boolean
  /** Seals the cursors of bound callers. */
  seal?: CursorSeal
}

/** For installations without row-level rights. */
export function unbound(sql: Sql): SqlOf {
  const found = { sql, bound: false }
  return () => found
}

/** Sensitive fields that were shown to a caller. */
export interface Shown {
  through: Through
  type: string
  fields: readonly string[]
  id: string | null
}

/**
 * The state that the resolvers of one operation share. No #private fields: in a subgraph service,
 * the server copies it.
 */
export class RequestContext {
  readonly scopes: ReadonlySet<string>
  /** The caller; mutations record it. */
  readonly request: RequestInfo
  private readonly sqlOf: SqlOf
  private readonly sharedReads: SharedReads
  /** Records who was shown sensitive fields. Null: nothing is recorded. */
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
   * Connections with the caller's rights: the only ones for reads of mastered data. Throws the
   * reason of the abort once no client waits for the operation.
   */
  get sql(): Sql {
    this.request.signal?.throwIfAborted()
    return this.sqlOf(this.request).sql
  }

  /** Returns true if the caller may not see every row. */
  get bound(): boolean {
    return this.sqlOf(this.request).bound
  }

  /**
   * Set for a bound caller: seals its cursors. Such a caller also sees no number that counts the
   * events, messages or rows of all callers.
   */
  get seal(): CursorSeal | null {
    return this.sqlOf(this.request).seal ?? null
  }

  /**
   * Records that these sensitive fields of a record are shown to the caller; `id` is its golden id
   * or its key.
   */
  shows(through: Through, type: string, fields: readonly string[], id: string | null): void {
    if (!this.reads || fields.length === 0) return
    this.reads.note(this.request, through, type, fields, id)
    this.request.shown?.push({ through, type, fields, id } satisfies Shown)
  }

  /**
   * Computes a value once per operation, even for many parents. `name` includes everything that the
   * value depends on.
   */
  once<T>(name: string, make: () => T): T {
    if (!this.made.has(name)) this.made.set(name, make())
    return this.made.get(name) as T
  }

  /**
   * Loads a value through the loader of this name, which is created on first use. `read` returns a
   * map from key to value; missing keys get `missing`. The name includes everything that the values
   * depend on besides the key: arguments, page, order. `read` receives connections but not the
   * caller, because it also reads for other callers with equal rights.
   *
   * A loader clears its cache with every batch, so that reads after a mutation of the same
   * operation see its effect.
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
