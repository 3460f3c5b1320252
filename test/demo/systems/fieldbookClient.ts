import assert from 'node:assert/strict'
import type { FieldbookSystem } from '../../../demo/systems/fieldbook/fieldbook.ts'

export type Fields = Record<string, unknown>

export interface Body {
  data: Fields
  error: Fields
}

export interface PageBody {
  data: Fields[]
  meta: { page: { size: number; next?: string } }
}

export interface RequestParts {
  method?: string
  headers?: Record<string, string>
  /** JSON, unless it is a text. */
  body?: unknown
}

export const authorization = (token: string | undefined, account = 'nordwind') =>
  `Token token="${token}", account="${account}"`

export async function request(on: FieldbookSystem, path: string, parts: RequestParts = {}) {
  const { method = 'GET', headers = {}, body } = parts
  const hasBody = body !== undefined
  const response = await fetch(`${on.url}/api/v3/${path}`, {
    method,
    headers: {
      authorization: authorization(on.credentials.token),
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(hasBody ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

export async function send(on: FieldbookSystem, path: string, parts?: RequestParts) {
  const { text, ...response } = await request(on, path, parts)
  return { ...response, body: JSON.parse(text) as Body }
}

/** Returns the status, the code and the field of a refusal. */
export async function refusal(
  on: FieldbookSystem,
  path: string,
  parts?: RequestParts,
): Promise<string> {
  const { status, body } = await send(on, path, parts)
  const { code, field } = body.error
  return [status, code, ...(field === undefined ? [] : [field])].join(' ')
}

export async function readPage(on: FieldbookSystem, path: string): Promise<PageBody> {
  const { status, text } = await request(on, path)
  assert.equal(status, 200, text)
  return JSON.parse(text) as PageBody
}

/** Reads a list to its end. */
export async function readList(
  on: FieldbookSystem,
  path: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Fields[]> {
  const found: Fields[] = []
  const query = new URLSearchParams(parameters)
  while (true) {
    const { data, meta } = await readPage(on, `${path}?${query}`)
    found.push(...data)
    if (meta.page.next === undefined) return found
    query.set('page[after]', meta.page.next)
  }
}

export const recordOf = (on: FieldbookSystem, type: string, id: unknown): Fields =>
  on.state(type).get(String(id))!.record

export const newOrganization = (on: FieldbookSystem, fields: Fields = {}): string =>
  on.put('organizations', { name: 'A', ...fields })
