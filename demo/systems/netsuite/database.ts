import { randomBytes } from 'node:crypto'
import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Store, Written } from '../kit/store.ts'
import type { RawRows, SqlConnection, SqlStatements } from './connection.ts'
import { BadSuiteQl, isOrdered, showRow } from './suiteql.ts'
import { type Column, TABLES, type Table, tableNamed } from './tables.ts'

const rowsAStatementMax = 1000
const statementTimeoutMs = 20_000

export interface Page {
  items: Record<string, unknown>[]
  total: number
}

/** The tables of the account in Postgres, which executes the SQL. */
export class AccountDatabase {
  readonly #sql: SqlConnection | undefined
  readonly #schema = `suiteql_${randomBytes(6).toString('hex')}`
  readonly #store: Store
  readonly #settings: string
  /** Rows that were written since they were copied: ids by table. */
  readonly #changed = new Map<string, Set<string>>()
  #created: Promise<void> | undefined
  #copying: Promise<void> = Promise.resolve()

  /** Dates follow the time zone of the account. */
  constructor(sql: SqlConnection | undefined, store: Store, timeZone: string) {
    this.#sql = sql
    this.#store = store
    this.#settings = `set local search_path = ${this.#schema}, pg_catalog;
      set local timezone = '${timeZone}'; set local statement_timeout = ${statementTimeoutMs}`
  }

  get #connection(): SqlConnection {
    if (this.#sql) return this.#sql
    throw new Error('SuiteQL needs Postgres: open the model with a connection to a database')
  }

  /** Creates the tables in a schema of their own. */
  async #create(): Promise<void> {
    await this.#connection.unsafe(`create schema ${this.#schema}`)
    await this.#transaction('read write', async (transaction) => {
      await transaction.unsafe(`${FUNCTIONS} ${TABLES.map(definition).join('\n')}`)
    })
  }

  #transaction<T>(
    mode: 'read only' | 'read write',
    work: (sql: SqlStatements) => Promise<T>,
  ): Promise<T> {
    return this.#connection.begin(mode, async (sql) => {
      await sql.unsafe(this.#settings)
      return await work(sql)
    }) as Promise<T>
  }

  /** Notes that a row has to be copied before the next query. */
  follow({ object, id }: Written): void {
    const ids = this.#changed.get(object) ?? new Set()
    this.#changed.set(object, ids.add(id))
  }

  /** Executes a query over the rows that are visible now. */
  async page(query: string, limit: number, offset: number): Promise<Page> {
    this.#created ??= this.#create()
    await this.#created
    await this.#copyChanges()
    // A result without an order is not the same twice: here its order depends on the page.
    const order = isOrdered(query) ? '' : `order by md5(q::text || '${offset}')`
    try {
      return await this.#transaction('read only', async (sql) => {
        const raw = async (text: string) => (await sql.unsafe(text).raw()) as RawRows
        const [counted] = [...(await raw(`select count(*) from (${query}) q`))]
        const rows = await raw(
          `select q.* from (${query}) q ${order} limit ${limit} offset ${offset}`,
        )
        const items = [...rows].map((row) =>
          showRow(
            rows.columns,
            row.map((value) => value?.toString() ?? null),
          ),
        )
        return { items, total: Number(counted?.[0]) }
      })
    } catch (error) {
      const code = stateOf(error)
      if (/^(42|22)/.test(code))
        throw new BadSuiteQl((error as Error).message, UNKNOWN_NAMES.has(code))
      throw error
    }
  }

  async close(): Promise<void> {
    if (this.#created) await this.#sql?.unsafe(`drop schema if exists ${this.#schema} cascade`)
  }

  /** Copies one after the other, so that a query never sees half a copy. */
  #copyChanges(): Promise<void> {
    this.#copying = this.#copying.then(() => this.#copy())
    return this.#copying
  }

  async #copy(): Promise<void> {
    for (const [name, ids] of this.#changed) {
      const table = tableNamed(name)
      const rows = this.#store.table(name)
      const list = [...ids]
      for (let at = 0; at < list.length; at += rowsAStatementMax) {
        const some = list.slice(at, at + rowsAStatementMax)
        const seen = some.map((id) => rows.find(id))
        for (const [position, id] of some.entries())
          if (seen[position]?.record === rows.get(id)?.record) ids.delete(id)
        const records = seen.flatMap((row) =>
          row && !row.deleted ? [{ rowid: row.id, ...this.#withDisplay(table, row.record) }] : [],
        )
        await this.#transaction('read write', async (sql) => {
          await sql.unsafe(
            `delete from ${name} where rowid in (select jsonb_array_elements_text($1::text::jsonb))`,
            [JSON.stringify(some)],
          )
          await sql.unsafe(
            `insert into ${name} select * from jsonb_populate_recordset(null::${name}, $1::text::jsonb)`,
            [JSON.stringify(records)],
          )
        })
      }
    }
  }

  /** Adds what `BUILTIN.DF` shows for each reference. */
  #withDisplay(table: Table, record: Record<string, unknown>): Record<string, unknown> {
    const shown = { ...record }
    for (const { name, target } of table.columns.values()) {
      const value = ownValue(record, name) ?? null
      if (value === null) continue
      const row = target === undefined ? undefined : this.#store.table(target).get(String(value))
      const text = row ? ownValue(row.record, tableNamed(target!).display) : value
      setOwn<unknown>(shown, `${name}__df`, String(text ?? value))
    }
    return shown
  }
}

/** Returns the SQLSTATE of an error of Postgres. */
const stateOf = (error: unknown): string =>
  error instanceof Error && error.name === 'PostgresError' && 'code' in error
    ? String(error.code)
    : ''

const UNKNOWN_NAMES = new Set(['42703', '42P01', '42883'])

const typeOf = ({ type }: Column) => (type === 'timestamptz' ? 'timestamp with time zone' : type)

function definition({ name, columns }: Table): string {
  const parts = [...columns.values()].flatMap((column) => [
    `${column.name} ${typeOf(column)}`,
    `${column.name}__df text`,
  ])
  return `create table ${name} (rowid text primary key, ${parts.join(', ')});`
}

/** Functions that SuiteQL has and Postgres has not, or has with another meaning. */
const FUNCTIONS = `
create function sys_extract_utc(timestamp with time zone) returns timestamp
  language sql stable as $$ select $1 at time zone 'UTC' $$;
create function to_timestamp(text, text) returns timestamp
  language sql stable as $$ select pg_catalog.to_timestamp($1, $2)::timestamp $$;
create function nvl(anyelement, anyelement) returns anyelement
  language sql immutable as $$ select coalesce($1, $2) $$;
`
