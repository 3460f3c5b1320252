import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '../../../connectors/connection/contract.ts'
import { openConnection } from '../../../connectors/connection/openConnection.ts'
import type { Connector } from '../../../connectors/contract.ts'
import type { WriteTarget } from '../../../connectors/writeTarget.ts'
import { openTarget, type Target } from '../../../mdm/writeback/target.ts'
import { connect } from '../../connectors/connection/fixture.ts'
import { withMapping } from '../../connectors/fixture.ts'

/** How a create is made once: by a key, by the golden id, or by looking for it first. */
export type Once = 'KEY' | 'UPSERT' | 'NONE'

/**
 * LATE: the request is applied after its answer is given up. TWICE: it is applied twice. NEVER: it is
 * not applied, and there is no answer. CUT: it is applied, and there is no answer. BROKEN: it is
 * applied, and the answer is 500. DOWN: it is not applied, and the answer is 503.
 */
export type Fault = 'LATE' | 'TWICE' | 'NEVER' | 'CUT' | 'BROKEN' | 'DOWN'

export interface HttpTarget {
  url: string
  /** By id. */
  rows: Map<string, Record<string, unknown>>
  /** Returns the fault of the next write; null serves. */
  fault: () => Fault | null
  /** Is waited for before a write is applied. */
  hold: (() => Promise<void>) | null
  /** Changes a row after each write, as an automation does. */
  automation: ((row: Record<string, unknown>) => void) | null
  writes: number
  close(): Promise<void>
}

/** Starts a system over HTTP whose customers can be read, found, created and changed. */
export async function startHttpTarget(once: Once): Promise<HttpTarget> {
  const rows: HttpTarget['rows'] = new Map()
  const keys = new Map<string, { status: number; body: unknown }>()
  let clock = 0
  const touch = (row: Record<string, unknown>, values: Record<string, unknown>) => {
    Object.assign(row, values, { modified: new Date(Date.UTC(2026, 0, 1) + ++clock).toISOString() })
    target.automation?.(row)
  }
  const create = (values: Record<string, unknown>) => {
    const same = [...rows.values()].find((r) => r.golden === values.golden)
    const row = (once === 'UPSERT' && same) || { id: `S${rows.size + 1}` }
    rows.set(String(row.id), row)
    touch(row, values)
    return { status: row === same ? 200 : 201, body: { ...row } }
  }
  const apply = (
    method: string,
    path: string,
    body: Record<string, unknown>,
    key: string,
    golden: string | null,
  ) => {
    target.writes++
    if (method === 'POST') {
      const known = once === 'KEY' ? keys.get(key) : undefined
      const answer = known ?? create(golden === null ? body : { ...body, golden })
      keys.set(key, answer)
      return answer
    }
    const row = rows.get(decodeURIComponent(path.split('/')[2] ?? ''))
    if (!row) return { status: 404, body: {} }
    touch(row, body)
    return { status: 200, body: { ...row } }
  }
  const answer = (res: ServerResponse, { status, body }: { status: number; body: unknown }) => {
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const server = createServer(async (req, res) => {
    const url = new URL(req.url ?? '/', 'http://target')
    let text = ''
    for await (const chunk of req) text += chunk
    const { method = 'GET' } = req
    if (method === 'GET') {
      const golden = url.searchParams.get('golden')
      if (url.pathname === '/search')
        return answer(res, {
          status: 200,
          body: { data: [...rows.values()].filter((r) => r.golden === golden) },
        })
      const id = url.pathname.split('/')[2]
      const row = id === undefined ? { data: [...rows.values()] } : rows.get(decodeURIComponent(id))
      return answer(res, row ? { status: 200, body: row } : { status: 404, body: {} })
    }
    const write = () =>
      apply(
        method,
        url.pathname,
        JSON.parse(text),
        String(req.headers['once-key']),
        url.searchParams.get('golden'),
      )
    await target.hold?.()
    switch (target.fault()) {
      case 'LATE':
        res.destroy()
        await sleep(40)
        return write()
      case 'TWICE':
        write()
        return answer(res, write())
      case 'NEVER':
        return res.destroy()
      case 'CUT':
        write()
        return res.destroy()
      case 'BROKEN':
        write()
        return answer(res, { status: 500, body: {} })
      case 'DOWN':
        return answer(res, { status: 503, body: {} })
      default:
        return answer(res, write())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const target: HttpTarget = {
    ...{
      url: `http://127.0.0.1:${port}`,
      rows,
      fault: () => null,
      hold: null,
      automation: null,
      writes: 0,
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return target
}

const create: Record<Once, string> = {
  KEY: `
      create: { post: /customers, id: id, row: true }
      once: { header: once-key, for: 24h }`,
  UPSERT: `
      upsert: { post: /customers, query: { golden: "{goldenId}" }, id: id, row: true }`,
  NONE: `
      create: { post: /customers, id: id, row: true }`,
}

export const definition = (once: Once): string => `
settings:
  base: { is: url, help: "the address" }
auth: { none: true }
http: { base: "{base}", timeout: 30s }
objects:
  customers:
    id: id
    version: modified
    rows: "data[]"
    list: { get: /customers }
    read: { get: "/customers/{id}" }
    write:
      fields: { name: name, currency: currency, terms: terms }
      goldenId: golden${create[once]}
      update: { patch: "/customers/{id}", row: true }
      find: { get: /search, query: { golden: "{goldenId}" }, row: data }
      match: none
`

/** The source system `shop`, as an installation maps it. */
export const mapping = `
every: { id: id, version: modified }
objects:
  customers: { as: Customer, fields: { name: name, currency: currency, paymentTerms: terms, taxIds: [tax] } }
`
const mapped = withMapping(mapping)

export const shop: Connector = {
  ...mapped,
  goldenIdOf: (_, { golden }) => (typeof golden === 'string' ? golden : null),
}

export function openHttpTarget(url: string, once: Once): Connection {
  return openConnection(
    'shop',
    connect(definition(once), `base: ${url}\nprivateAddresses: true\n`),
    {
      retry: { msMin: 2, msMax: 5, attemptsMax: 2 },
    },
  )
}

export function shopTarget(connection: Connection, more: Partial<WriteTarget> = {}): Target {
  const target: WriteTarget = {
    source: 'shop',
    role: 'BILLING',
    mode: 'ON',
    types: new Map([
      [
        'Customer',
        {
          objects: ['customers'],
          update: ['name', 'currency', 'paymentTerms'],
          createFields: ['name', 'currency', 'paymentTerms'],
          createWhen: new Map([['lifecycle', ['CUSTOMER']]]),
        },
      ],
    ]),
    limits: { perMinute: 100_000, perDay: 10_000_000, changedRecordsMax: 100_000 },
    replacesGoldenIds: false,
    version: 'v1',
    ...more,
  }
  return openTarget(target, shop, connection.writing)
}
