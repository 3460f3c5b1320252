import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type CountryCode, getCountryCallingCode } from 'libphonenumber-js/max'

/** The metadata that SAP publishes. It is read where it is and not part of the project. */
const metadata = fileURLToPath(
  new URL(
    '../../../shared/samples/sap-s4hana/SAP-samples__cloud-cap-risk-management/API_BUSINESS_PARTNER.edmx',
    import.meta.url,
  ),
)
export const skip = existsSync(metadata) ? false : 'no ../shared/samples here'
export const metadataText = (): string => readFileSync(metadata, 'utf8')

type Fields = Record<string, unknown>

interface ODataServer {
  isReady: Promise<unknown>
  getRouter(): (request: IncomingMessage, response: ServerResponse, next: () => void) => void
}

/** A property of the metadata: how long its texts are, and whether SAP stores them in capitals. */
interface Property {
  max: number
  isUpper: boolean
}

const root = '/sap/opu/odata/sap/API_BUSINESS_PARTNER'
const cookie = 'SAP_SESSIONID=1'
/** Navigations of a partner and of its addresses, which a create may hold entities of. */
const SETS: Readonly<Record<string, string>> = {
  to_BuPaIdentification: 'A_BuPaIdentification',
  to_BusinessPartnerAddress: 'A_BusinessPartnerAddress',
  to_BusinessPartnerRole: 'A_BusinessPartnerRole',
  to_BusinessPartnerTax: 'A_BusinessPartnerTaxNumber',
  to_EmailAddress: 'A_AddressEmailAddress',
  to_PhoneNumber: 'A_AddressPhoneNumber',
}

export interface SapServer {
  url: string
  folder: string
  /** What requests had that the metadata does not know. */
  problems: readonly string[]
  /** Method and path of the requests that change something, and of those that fetch a token. */
  changes: readonly string[]
  /** Makes the next change need a new token. */
  endSession(): void
  /** Changes an entity as a user of SAP does. */
  change(path: string, fields: Fields): Promise<void>
  close(): void
}

/**
 * Opens SAP's own OData server on the metadata that SAP publishes. In front of it stands what it
 * lacks: Basic authentication, literals of Edm.Time, a token that is required with its cookie,
 * `__metadata.etag` (it writes `@odata.etag`), nested entities of a create, creates at a navigation
 * (`A_BusinessPartnerAddress(…)/to_EmailAddress`), numbers that SAP assigns, the international form of a
 * phone number, and the check of names and lengths against the metadata.
 */
export async function openSapServer(
  data: Readonly<Record<string, readonly Fields[]>>,
  user: { name: string; password: string },
  { validateETag = false } = {},
): Promise<SapServer> {
  const folder = mkdtempSync(join(tmpdir(), 'touchstone-sap-'))
  for (const [set, rows] of Object.entries(data))
    writeFileSync(join(folder, `${set}.json`), JSON.stringify(rows))
  // Loaded here, because a run without the metadata needs none of its hundred files.
  const { default: MockServer } = createRequire(import.meta.url)('@sap-ux/fe-mockserver-core') as {
    default: new (config: object) => ODataServer
  }
  const mock = new MockServer({
    services: [
      {
        ...{ urlPath: root, metadataPath: metadata, mockdataPath: folder },
        ...{ generateMockData: false, validateETag },
      },
    ],
    annotations: [],
    plugins: [],
  })
  await mock.isReady
  const router = mock.getRouter()
  const inner = await listening(
    createServer((request, response) =>
      router(request, response, () => response.writeHead(404).end()),
    ),
  )
  const basic = `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`
  const types = typesOf(metadataText())
  const problems: string[] = []
  const changes: string[] = []
  let isSessionOpen = false
  let last = 90_000

  const ask = async (method: string, path: string, headers: Fields = {}, body?: Fields) => {
    const answer = await fetch(`${inner.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(headers as Record<string, string>) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const content = await answer.text()
    return { answer, content: content.startsWith('{') ? withEtags(content) : content }
  }
  const outer = await listening(
    createServer((request, response) => {
      void respond(request, response).catch((e: unknown) => {
        problems.push(String(e))
        response.writeHead(500).end()
      })
    }),
  )
  return {
    url: outer.url,
    folder,
    problems,
    changes,
    endSession: () => {
      isSessionOpen = false
    },
    change: async (path, fields) => {
      const { content } = await ask('GET', `${root}/${path}?$format=json`)
      const { d } = JSON.parse(content) as { d: { __metadata: { etag?: string } } }
      const etag = d.__metadata.etag
      await ask('PATCH', `${root}/${path}`, etag === undefined ? {} : { 'if-match': etag }, fields)
    },
    close: () => {
      for (const { server } of [outer, inner]) {
        server.closeAllConnections()
        server.close()
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }

  /** Stores what a create holds besides its own fields, below the entity that it made. */
  async function storeNested(parent: Fields, body: Fields): Promise<void> {
    for (const [name, list] of Object.entries(body)) {
      const set = SETS[name]
      for (const one of set ? (list as Fields[]) : []) {
        const entity = stored(types, set ?? '', parent, flat(one) ?? {})
        await ask('POST', `${root}/${set}`, {}, entity)
        await storeNested(entity, one)
      }
    }
  }

  /** An entity as SAP stores it: with its key, and in capitals where it does so. */
  function stored(all: Types, set: string, parent: Fields, one: Fields): Fields {
    const properties = all.get(set)
    const made: Fields = Object.fromEntries(
      Object.entries(one).map(([name, value]) => {
        const isUpper = properties?.get(name)?.isUpper && typeof value === 'string'
        return [name, isUpper ? value.toUpperCase() : value]
      }),
    )
    for (const name of ['BusinessPartner', 'AddressID', 'OrdinalNumber'])
      if (properties?.has(name))
        made[name] ??= parent[name] ?? String(++last).slice(name === 'OrdinalNumber' ? -3 : 0)
    // The server makes a value of its own for an empty key.
    if (properties?.has('Person')) made.Person = '1'
    if (set === 'A_AddressPhoneNumber')
      made.InternationalPhoneNumber = `+${getCountryCallingCode(one.DestinationLocationCountry as CountryCode)}${String(one.PhoneNumber)}`
    return made
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request
    // The server knows no literals of Edm.Time: here they are times of the first day, as in its data.
    const path = (request.url ?? '').replace(
      /time%27PT(\d\d)H(\d\d)M(\d\d)S%27/g,
      'datetime%271970-01-01T$1:$2:$3%27',
    )
    if (headers.authorization !== basic) return void response.writeHead(401).end()
    const given = await text(request)
    const sent = ['if-match', 'x-csrf-token'].flatMap((name) =>
      headers[name] === undefined ? [] : [[name, headers[name]]],
    )
    const isFetch = headers['x-csrf-token'] === 'Fetch'
    if (method !== 'GET' || isFetch) changes.push(`${method} ${path.slice(root.length)}`)
    if (isFetch) isSessionOpen = true
    const hasToken = headers['x-csrf-token'] === '0504-71383' && headers.cookie === cookie
    if (method !== 'GET' && !(isSessionOpen && hasToken))
      return void response.writeHead(403, { 'x-csrf-token': 'Required' }).end()
    const body = given === '' ? undefined : (JSON.parse(given) as Fields)
    const below = /\/A_BusinessPartnerAddress\(([^)]*)\)\/(to_\w+)$/.exec(decodeURIComponent(path))
    const isChild = method === 'POST' && below !== null
    const [, set = ''] = /\/(\w+)(?:\(|\?|$)/.exec(path.slice(root.length)) ?? []
    const target = isChild ? (SETS[below[2] ?? ''] ?? '') : set
    if (body) problems.push(...judged(types, target, body))
    const own = isChild && body ? stored(types, target, keysIn(below[1] ?? ''), body) : flat(body)
    const { answer, content } = await ask(
      method,
      isChild ? `${root}/${target}` : path,
      Object.fromEntries(sent) as Fields,
      body && own,
    )
    if (answer.status === 201 && !isChild && body)
      await storeNested((JSON.parse(content) as { d: Fields }).d, body)
    const token = answer.headers.get('x-csrf-token')
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'text/plain',
      ...(token === null ? {} : { 'x-csrf-token': token, 'set-cookie': `${cookie}; path=/` }),
    })
    response.end(content)
  }
}

/** Returns the fields of a body that are no navigations. */
function flat(body: Fields | undefined): Fields | undefined {
  const own = Object.entries(body ?? {}).filter(([name]) => !Object.hasOwn(SETS, name))
  return body && Object.fromEntries(own)
}

function keysIn(text: string): Fields {
  return Object.fromEntries([...text.matchAll(/(\w+)='([^']*)'/g)].map(([, k = '', v]) => [k, v]))
}

type Types = ReadonlyMap<string, ReadonlyMap<string, Property>>

/** Reads the properties of each entity set. */
function typesOf(edmx: string): Types {
  const entities = [...edmx.matchAll(/<EntityType Name="(\w+)Type".*?<\/EntityType>/gs)]
  return new Map(
    entities.map(([whole, name = '']) => [
      name,
      new Map(
        [...whole.matchAll(/<Property Name="(\w+)"[^>]*>/g)].map(([tag, property = '']) => [
          property,
          {
            max: Number(/MaxLength="(\d+)"/.exec(tag)?.[1] ?? Number.POSITIVE_INFINITY),
            isUpper: tag.includes('sap:display-format="UpperCase"'),
          },
        ]),
      ),
    ]),
  )
}

/** Returns what a body has that the metadata does not know, or that is too long. */
function judged(types: Types, set: string, body: Fields): string[] {
  return Object.entries(body).flatMap(([name, value]) => {
    const child = SETS[name]
    if (child) return (value as Fields[]).flatMap((one) => judged(types, child, one))
    const property = types.get(set)?.get(name)
    if (!property) return [`${set} has no ${name}`]
    return String(value).length > property.max ? [`${set}.${name} is too long`] : []
  })
}

/** Writes the etag of an entity where OData V2 has it. */
function withEtags(content: string): string {
  return JSON.stringify(
    JSON.parse(content, (_, value: unknown) => {
      if (typeof value !== 'object' || value === null || !('@odata.etag' in value)) return value
      const { '@odata.etag': etag, ...rest } = value as Fields & { __metadata?: object }
      return { ...rest, __metadata: { ...rest.__metadata, etag } }
    }),
  )
}

async function listening(server: Server): Promise<{ server: Server; url: string }> {
  server.listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
