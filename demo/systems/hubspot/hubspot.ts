import { randomUUID, timingSafeEqual } from 'node:crypto'
import { type Random, random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Model, ModelOptions, ModelSystem } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { type Behaviour, openServer, type Received, Refused, type Reply } from '../kit/server.ts'
import { Store } from '../kit/store.ts'
import { Account, createGoldenIds } from './account.ts'
import { AssociationsApi } from './associationsApi.ts'
import { errorReply, limitReply, missingScope } from './errors.ts'
import { Links } from './links.ts'
import { findObjectType, GOLDEN_ID, OBJECT_TYPES, type ObjectType } from './objects.ts'
import { ObjectsApi, queryOf, typeOf } from './objectsApi.ts'
import { hubspotRules } from './rules.ts'
import { WriteApi } from './writeApi.ts'

const requestLimit = { windowMs: 10_000, max: 100, kind: 'sliding' } as const
const searchLimit = { windowMs: 1_000, max: 5, kind: 'sliding' } as const
const addressLengthMax = 15_000
const tokenForm = /^Bearer pat-[a-z]{2}\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const searchPath = /^\/crm\/(v3\/objects|objects\/2026-03)\/[^/]+\/search$/

/** A HubSpot account with the token of a private app. */
export const hubspot: Model = { kind: 'hubspot', open }

async function open({ seed = 1, limits = 'vendor' }: ModelOptions = {}): Promise<ModelSystem> {
  const clock = createClock()
  const faults = new PlannedFaults()
  const links = new Links()
  const rules = hubspotRules(links, random('hubspot', seed))
  const actions = [{ weight: 1, run: (draw: Random) => account.merge(draw) }]
  const unique = createGoldenIds()
  const store = new Store({
    ...{ clock, faults, rules, actions, unique },
    onWrite: (written) => account.follow(written),
  })
  const portalId = String(random('portal', seed).between(20_000_000, 29_999_999))
  const account: Account = new Account(store, links, unique, portalId)
  const accessToken = `pat-eu1-${randomUUID()}`
  let url = ''
  const requestRate = new RateLimit(requestLimit, limits === 'vendor')
  const searchRate = new RateLimit(searchLimit, limits === 'vendor')
  const routes = createRoutes(account, () => url)

  const handle = (request: Received): Reply | undefined => {
    checkToken(request, accessToken)
    if (request.query.toString().length > addressLengthMax)
      throw new Refused(errorReply(414, 'URI Too Long'))
    if (searchPath.test(request.path) && searchRate.take(clock.now()) > 0)
      throw new Refused(limitReply('SECONDLY'))
    return routes(request)
  }
  const server = await openServer({
    clock,
    faults,
    rateLimit: requestRate,
    behaviour: behaviour(handle, requestRate),
  })
  url = server.url
  return {
    ...modelOf({
      kind: 'hubspot',
      credentials: { accessToken, portalId },
      clock,
      faults,
      store,
      server,
    }),
    state: (object) => state(account, object),
  }
}

function state(account: Account, object: string) {
  const type = OBJECT_TYPES.find(({ name }) => name === object)
  if (!type) throw new Error(`no object ${object}`)
  const rows = account.store.state(object)
  return new Map(
    [...rows].map(([id, { record, deleted }]) => [
      id,
      { deleted, record: { ...record, associations: account.allAssociated(type, id) } },
    ]),
  )
}

function checkToken(request: Received, accessToken: string): void {
  const sent = Buffer.from(request.headers.authorization ?? '')
  const expected = Buffer.from(`Bearer ${accessToken}`)
  if (sent.length === expected.length && timingSafeEqual(sent, expected)) return
  if (sent.length > 0 && !tokenForm.test(sent.toString()))
    throw new Refused({
      status: 530,
      headers: { 'content-type': 'text/plain' },
      body: 'error code: 1016',
    })
  throw new Refused(expiredToken())
}

const expiredToken = () =>
  errorReply(
    401,
    'Authentication credentials not found. This API supports OAuth 2.0 authentication.',
    {
      category: 'INVALID_AUTHENTICATION',
    },
  )

type Handler = (match: readonly string[], request: Received) => Reply
type Route = [method: string, path: RegExp, handler: Handler]

function createRoutes(account: Account, url: () => string) {
  const objects = new ObjectsApi(account, url)
  const writes = new WriteApi(account)
  const associations = new AssociationsApi(account, url)
  const base = `^/crm/(?:v3/objects|objects/2026-03)/([^/]+)`
  const routes: Route[] = [
    ['GET', new RegExp(`${base}$`), ([type], request) => objects.list(typeOf(type!), request)],
    [
      'POST',
      new RegExp(`${base}/search$`),
      ([type], request) => objects.search(typeOf(type!), request),
    ],
    [
      'POST',
      new RegExp(`${base}/batch/read$`),
      ([type], request) => objects.batchRead(typeOf(type!), request),
    ],
    [
      'GET',
      new RegExp(`${base}/([^/]+)$`),
      ([type, id], request) => objects.read(typeOf(type!), id!, request),
    ],
    ['POST', new RegExp(`${base}$`), ([type], request) => writes.create(typeOf(type!), request)],
    [
      'PATCH',
      new RegExp(`${base}/([^/]+)$`),
      ([type, id], request) => writes.update(typeOf(type!), id!, request),
    ],
    [
      'DELETE',
      new RegExp(`${base}/(\\d+)$`),
      ([type, id], request) => writes.archive(typeOf(type!), id!, request),
    ],
    [
      'POST',
      new RegExp(`${base}/batch/archive$`),
      ([type], request) => writes.batchArchive(typeOf(type!), request),
    ],
    ...(['create', 'update', 'upsert'] as const).map(
      (act): Route => [
        'POST',
        new RegExp(`${base}/batch/${act}$`),
        ([type], request) => writes.batch(typeOf(type!), act, request),
      ],
    ),
    [
      'POST',
      /^\/crm\/(?:v4\/associations|associations\/2026-03)\/([^/]+)\/([^/]+)\/batch\/read$/,
      ([from, to], request) => associations.batchRead(typeOf(from!), typeOf(to!), request),
    ],
    [
      'GET',
      /^\/crm\/(?:v4\/objects|objects\/2026-03)\/([^/]+)\/(\d+)\/associations\/([^/]+)$/,
      ([from, id, to], request) => associations.list(typeOf(from!), id!, typeOf(to!), request),
    ],
    [
      'GET',
      /^\/crm\/(?:v3\/properties|properties\/2026-03)\/([^/]+)$/,
      ([type], request) => properties(typeOf(type!), request),
    ],
    ['GET', /^\/account-info\/v3\/details$/, (_, request) => details(account.portalId, request)],
  ]
  return (request: Received): Reply | undefined => {
    for (const [method, path, handler] of routes) {
      const match = method === request.method && path.exec(request.path)
      if (match) return handler(match.slice(1).map(decodeURIComponent), request)
    }
    return undefined
  }
}

function properties(type: ObjectType, request: Received): Reply {
  queryOf(request).end()
  const results = [...type.properties.values()].map(({ name, kind, readOnly }) => ({
    name,
    label: name,
    type: kind === 'bool' ? 'bool' : kind,
    archived: false,
    hasUniqueValue: name === GOLDEN_ID || (type.name === 'contacts' && name === 'email'),
    modificationMetadata: { readOnlyValue: readOnly },
  }))
  return { status: 200, body: { results } }
}

function details(portalId: string, request: Received): Reply {
  queryOf(request).end()
  const body = {
    portalId: Number(portalId),
    accountType: 'STANDARD',
    timeZone: 'Europe/Berlin',
    companyCurrency: 'EUR',
    utcOffset: '+01:00',
    uiDomain: 'app-eu1.hubspot.com',
    dataHostingLocation: 'eu1',
  }
  return { status: 200, body }
}

function behaviour(handle: Behaviour['handle'], rate: RateLimit): Behaviour {
  return {
    handle,
    notFound: () => errorReply(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' }),
    failure: (status) =>
      status === 429
        ? limitReply('TEN_SECONDLY_ROLLING')
        : errorReply(status, 'internal error', { category: 'INTERNAL_ERROR' }),
    forbidden: (request) => missingScope(scopeOf(request)),
    expired(what, request) {
      if (what === 'token') return expiredToken()
      const carries = request.query.has('after')
      return carries
        ? errorReply(400, 'after is not valid', { category: 'VALIDATION_ERROR' })
        : undefined
    },
    limited: () => limitReply('TEN_SECONDLY_ROLLING'),
    // Searches are answered without these headers.
    headers: (request): Record<string, string> =>
      searchPath.test(request.path)
        ? {}
        : {
            'x-hubspot-ratelimit-max': String(requestLimit.max),
            'x-hubspot-ratelimit-remaining': String(rate.left),
            'x-hubspot-ratelimit-interval-milliseconds': String(requestLimit.windowMs),
          },
  }
}

/** Searches and batches that read are POST too. */
function scopeOf({ method, path }: Received): string {
  const read = method === 'GET' || /\/(search|batch\/read)$/.test(path)
  const types = path.split('/').map(findObjectType)
  const scope = types.find((type) => type !== undefined)?.scope ?? 'crm.objects.read'
  return read ? scope : scope.replace(/read$/, 'write')
}
