import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A source system over HTTP, and the configuration that asks it. */
export interface HttpShop {
  /** Rows by id; a value of null is left out of lists. */
  rows: Map<string, Record<string, unknown>>
  /** The status that every answer has from now on; 200 serves. */
  status: number
  requests: number
  /** The file sources.yaml. */
  sources: string
  key: string
  close(): Promise<void>
}

const MAPPING = `
every: { id: id, version: modified }
objects:
  customers: { as: Customer, fields: { name: name } }
`
const DEFINITION = `
settings:
  base: { is: url, help: "the address of the shop" }
  key: { is: secret, help: "an API key" }
auth: { header: { authorization: "Bearer {key}" } }
http: { base: "{base}" }
objects:
  customers:
    id: id
    version: modified
    rows: "data[]"
    list: { get: /customers }
    full: { pages: { cursor: next, as: query.after } }
    deletes: census
    read: { get: "/customers/{id}" }
`
const pageRows = 3

/** Starts a shop that has no delta, on loopback, with files in a temporary folder. */
export async function startHttpShop(): Promise<HttpShop> {
  const rows: HttpShop['rows'] = new Map()
  const server = createServer((req, res) => {
    shop.requests++
    const url = new URL(req.url ?? '/', 'http://shop')
    const [, list, id] = url.pathname.split('/')
    const allowed = req.headers.authorization === `Bearer ${shop.key}`
    const after = url.searchParams.get('after') ?? ''
    const rest = [...rows.values()].filter((r) => String(r.id) > after)
    const page = rest.slice(0, pageRows)
    const next = rest.length > pageRows ? { next: page.at(-1)?.id } : {}
    const one = id === undefined ? { data: page, ...next } : rows.get(decodeURIComponent(id))
    const known = list === 'customers' && one !== undefined
    res.statusCode = !allowed ? 401 : !known ? 404 : shop.status
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify(res.statusCode === 200 ? one : { error: 'no' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-shop-'))
  writeFileSync(join(dir, 'shop.yaml'), MAPPING)
  writeFileSync(join(dir, 'shop.connection.yaml'), DEFINITION)
  writeFileSync(
    join(dir, 'sources.yaml'),
    `sources:
  - name: shop
    kind: generic
    role: CRM
    trust: 0.5
    mapping: shop.yaml
    connection:
      definition: shop.connection.yaml
      base: http://127.0.0.1:${port}
      key: { env: SHOP_KEY }
      privateAddresses: true
`,
  )
  const shop: HttpShop = {
    rows,
    status: 200,
    requests: 0,
    sources: join(dir, 'sources.yaml'),
    key: 'the key of the shop',
    async close() {
      rmSync(dir, { recursive: true })
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return shop
}
