import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Received, Reply } from '../kit/server.ts'
import type { VisibleRow } from '../kit/table.ts'
import { type Environment, versionOf } from './environment.ts'
import { badRequest, errorReply } from './errors.ts'
import { type Preferences, preferencesOf, queryOf, selectOf } from './request.ts'
import type { Fields } from './rules.ts'
import { compareRows, filterOf, orderOf } from './selection.ts'
import { type Column, labelOf, type Table } from './tables.ts'
import {
  type Cookie,
  type DeltaToken,
  readCookie,
  readToken,
  writeCookie,
  writeToken,
} from './tracking.ts'

const countMax = 5000
const FORMATTED = 'OData.Community.Display.V1.FormattedValue'
const LOGICAL_NAME = 'Microsoft.Dynamics.CRM.lookuplogicalname'

/** The entity sets of the Web API, read with and without tracking of changes. */
export class WebApi {
  readonly #environment: Environment
  readonly #url: () => string

  constructor(environment: Environment, url: () => string) {
    this.#environment = environment
    this.#url = url
  }

  list(version: string, table: Table, request: Received): Reply {
    const preferences = preferencesOf(request)
    const query = queryOf(request)
    const columns = selectOf(table, query)
    const skip = query.text('$skiptoken')
    const delta = query.text('$deltatoken')
    const cookie = skip === undefined ? undefined : readCookie(skip)
    const tracks = preferences.trackChanges || cookie?.token !== undefined
    if (delta !== undefined || tracks)
      for (const name of ['$filter', '$orderby', '$expand', '$top', '$count'])
        if (query.text(name) !== undefined)
          throw badRequest(`The ${name} query parameter is not supported with change tracking.`)
    const page = { version, table, request, preferences, columns }
    if (delta !== undefined) {
      query.end()
      return this.#changes(page, delta, cookie)
    }
    const filter = filterOf(table, query.text('$filter'))
    const orders = orderOf(table, query.text('$orderby'))
    const top = query.integer('$top', 1, 5000, Number.POSITIVE_INFINITY)
    const counts = query.flag('$count') ?? false
    query.end()
    const rows = this.#environment.rows(table).filter((row) => !row.deleted && filter(row))
    rows.sort((a, b) => compareRows(orders, a, b))
    const from = cookie?.last
    const rest = from ? rows.filter((row) => compareRows(orders, row, from) > 0) : rows
    const shown = rest.slice(0, Math.min(preferences.pageRows, top))
    const token = cookie?.token ?? (tracks ? this.#token(table) : undefined)
    const body = this.#body(page, shown)
    if (counts) Object.assign(body, { '@odata.count': Math.min(rows.length, countMax) })
    if (top > shown.length && shown.length < rest.length) {
      const { id, record } = shown[shown.length - 1]!
      const values = orders.map(({ column: { name } }) => [name, ownValue(record, name)])
      const last = { id, record: Object.fromEntries(values) }
      const next = { page: (cookie?.page ?? 1) + 1, last, ...(token && { token }) }
      setOwn<unknown>(body, '@odata.nextLink', this.#link(page, '$skiptoken', writeCookie(next)))
    } else if (token)
      setOwn<unknown>(body, '@odata.deltaLink', this.#link(page, '$deltatoken', writeToken(token)))
    return this.#reply(page, body, tracks)
  }

  /** Returns what was written since a token: changed rows first, then deleted ones. */
  #changes(page: Page, delta: string, cookie: Cookie | undefined): Reply {
    const { table, preferences } = page
    const since = readToken(delta, this.#environment.clock.now())
    const token = cookie?.token ?? this.#token(table)
    const placeOf = (row: VisibleRow): [number, number] => [
      row.deleted ? 1 : 0,
      versionOf(row.record),
    ]
    const [deleted, after] = cookie?.lastChange ?? [0, 0]
    const rest = this.#environment
      .rows(table)
      .filter((row) => {
        const [kind, version] = placeOf(row)
        if (version <= since.version || version > token.version) return false
        return kind > deleted || (kind === deleted && version > after)
      })
      .sort((a, b) => {
        const [[left, one], [right, two]] = [placeOf(a), placeOf(b)]
        return left - right || one - two
      })
    const shown = rest.slice(0, preferences.pageRows)
    const body = this.#body(page, shown)
    setOwn<unknown>(body, '@odata.context', `${this.#context(page)}/$delta`)
    if (shown.length < rest.length) {
      const lastChange = placeOf(shown[shown.length - 1]!)
      const next = { page: (cookie?.page ?? 1) + 1, token, lastChange }
      const link = new URL(this.#link(page, '$deltatoken', delta))
      link.searchParams.set('$skiptoken', writeCookie(next))
      setOwn<unknown>(body, '@odata.nextLink', link.href)
    } else
      setOwn<unknown>(body, '@odata.deltaLink', this.#link(page, '$deltatoken', writeToken(token)))
    return this.#reply(page, body, true)
  }

  read(version: string, table: Table, id: string, request: Received): Reply {
    const preferences = preferencesOf(request)
    const query = queryOf(request)
    const columns = selectOf(table, query)
    query.end()
    const row = this.#environment.store.table(table.set).find(id)
    if (!row || row.deleted)
      return errorReply(
        404,
        '0x80040217',
        `Entity '${table.logical}' With Id = ${id} Does Not Exist`,
      )
    if (request.headers['if-none-match'] === row.record['@odata.etag']) return { status: 304 }
    return this.#shown({ version, table, request, preferences, columns }, row)
  }

  /** Shows the newest version of a row, as the answer to a write. */
  show(version: string, table: Table, id: string, request: Received): Reply {
    const columns = selectOf(table, queryOf(request))
    const page = { version, table, request, preferences: preferencesOf(request), columns }
    return this.#shown(page, { id, ...this.#environment.store.table(table.set).get(id)! })
  }

  #shown(page: Page, row: Pick<VisibleRow, 'id' | 'record'>): Reply {
    const context = `${this.#context(page)}/$entity`
    return this.#reply(page, { '@odata.context': context, ...this.#row(page, row) }, false)
  }

  count(table: Table, request: Received): Reply {
    queryOf(request).end()
    const rows = this.#environment.rows(table).filter(({ deleted }) => !deleted)
    const body = String(Math.min(rows.length, countMax))
    return { status: 200, headers: { 'content-type': 'text/plain' }, body }
  }

  #token(table: Table): DeltaToken {
    const version = this.#environment.visibleVersion(table)
    return { version, time: this.#environment.clock.now() }
  }

  #body(page: Page, rows: readonly VisibleRow[]): Fields {
    const value = rows.map((row) =>
      row.deleted
        ? {
            '@odata.context': `${this.#base(page)}/$metadata#${page.table.set}/$deletedEntity`,
            id: row.id,
            reason: 'deleted',
          }
        : this.#row(page, row),
    )
    return { '@odata.context': this.#context(page), value }
  }

  #row({ table, columns, preferences }: Page, row: Pick<VisibleRow, 'id' | 'record'>): Fields {
    const shown: Fields = { '@odata.etag': row.record['@odata.etag'] }
    const id = table.columns.get(table.idColumn)!
    const all = columns && [...columns.filter(({ name }) => name !== id.name), id]
    for (const column of all ?? table.columns.values()) {
      setOwn<unknown>(shown, column.name, ownValue(row.record, column.name) ?? null)
      this.#annotate(shown, table, column, row, preferences)
    }
    return shown
  }

  /** Adds labels of choices, and names and types of lookups, if they are preferred. */
  #annotate(
    shown: Fields,
    table: Table,
    column: Column,
    row: Pick<VisibleRow, 'record'>,
    { annotations }: Preferences,
  ): void {
    const value = ownValue(row.record, column.name) ?? null
    if (annotations.length === 0 || value === null) return
    const wants = (name: string) => annotations.includes('*') || annotations.includes(name)
    const set = (name: string, text: string) => {
      if (wants(name)) setOwn<unknown>(shown, `${column.name}@${name}`, text)
    }
    if (column.kind === 'choice') set(FORMATTED, labelOf(table, column.name, Number(value)))
    const target = column.kind === 'lookup' && this.#environment.findAnywhere(String(value))
    if (!target) return
    set(LOGICAL_NAME, target.table.logical)
    set(FORMATTED, String(ownValue(target.row.record, target.table.nameColumn) ?? ''))
  }

  #reply({ preferences }: Page, body: Fields, tracked: boolean): Reply {
    const applied = [
      ...(tracked && preferences.trackChanges ? ['odata.track-changes'] : []),
      ...(preferences.annotations.length > 0 ? ['odata.include-annotations'] : []),
    ]
    return {
      status: 200,
      headers: {
        'odata-version': '4.0',
        ...(applied.length > 0 && { 'preference-applied': applied.join(',') }),
      },
      body,
    }
  }

  #base({ version }: Page): string {
    return `${this.#url()}/api/data/v${version}`
  }

  #context(page: Page): string {
    const names = page.columns?.map(({ name }) => name).join(',')
    const selected = names === undefined ? '' : `(${names})`
    return `${this.#base(page)}/$metadata#${page.table.set}${selected}`
  }

  /** Returns the address of the list again, with its other parameters and one new token. */
  #link(page: Page, name: string, value: string): string {
    const link = new URL(`${this.#base(page)}/${page.table.set}`)
    for (const [parameter, text] of page.request.query)
      if (parameter !== '$skiptoken' && parameter !== '$deltatoken')
        link.searchParams.append(parameter, text)
    link.searchParams.append(name, value)
    return link.href
  }
}

interface Page {
  version: string
  table: Table
  request: Received
  preferences: Preferences
  columns: Column[] | undefined
}
