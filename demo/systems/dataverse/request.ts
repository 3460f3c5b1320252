import { Query } from '../kit/query.ts'
import type { Received } from '../kit/server.ts'
import { badRequest } from './errors.ts'
import type { Column, Table } from './tables.ts'

export const pageRowsMax = 5000

export interface Preferences {
  trackChanges: boolean
  pageRows: number
  annotations: readonly string[]
}

/** Reads the header `Prefer`, whose parts are separated by commas. */
export function preferencesOf(request: Received): Preferences {
  const preferences = { trackChanges: false, pageRows: pageRowsMax, annotations: [] as string[] }
  const header = String(request.headers.prefer ?? '')
  for (const part of header.match(/[^,"]+(?:"[^"]*")?/g) ?? []) {
    const [name = '', value = ''] = part.trim().split(/=(.*)/s)
    if (name === '') continue
    if (name === 'odata.track-changes') preferences.trackChanges = true
    else if (name === 'odata.maxpagesize') preferences.pageRows = pageRowsOf(value)
    else if (name === 'odata.include-annotations')
      preferences.annotations.push(...value.replaceAll('"', '').split(','))
    else if (name === 'return' && request.method !== 'GET') continue
    else throw badRequest(`the preference ${name} is not supported`, true)
  }
  return preferences
}

/** A page has at most 5,000 rows, whatever is preferred. */
function pageRowsOf(value: string): number {
  const rows = /^\d{1,6}$/.test(value) ? Number(value) : 0
  if (rows < 1) throw badRequest(`odata.maxpagesize "${value}" is not valid`)
  return Math.min(rows, pageRowsMax)
}

export function queryOf(request: Received): Query {
  return new Query(request.query, (name, problem) =>
    badRequest(`The query parameter ${name} is ${problem}.`, problem === 'unknown'),
  )
}

/** Returns the columns that are selected; undefined where all are. */
export function selectOf(table: Table, query: Query): Column[] | undefined {
  const text = query.text('$select')
  if (text === undefined) return undefined
  return text.split(',').map((name) => columnOf(table, name.trim()))
}

export function columnOf(table: Table, name: string): Column {
  const column = table.columns.get(name)
  if (!column)
    throw badRequest(
      `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${table.logical}'.`,
      true,
    )
  return column
}

/** Checks the headers that state the version of OData. */
export function checkVersion(request: Received): void {
  const { 'odata-version': version, 'odata-maxversion': maxVersion } = request.headers
  for (const sent of [version, maxVersion])
    if (sent !== undefined && sent !== '4.0')
      throw badRequest(`The version ${String(sent)} of OData is not supported.`)
}
