import { exportPKCS8, generateKeyPair } from 'jose'
import { random } from '../../random.ts'
import type { Model, ModelOptions, ModelSystem } from '../kit/model.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { type Behaviour, openServer, type Received, type Reply } from '../kit/server.ts'
import { errorReply, invalidSession, limitExceeded, noSuchObject } from './errors.ts'
import { findObjectType, OBJECT_TYPES } from './objects.ts'
import { ObjectsApi, typeOf } from './objectsApi.ts'
import { Org } from './org.ts'
import { queryOf } from './parameters.ts'
import { invalidLocator, QueryApi } from './queryApi.ts'
import { idOf } from './rules.ts'
import { SignIn } from './signIn.ts'
import { WriteApi } from './writeApi.ts'

export interface SalesforceOptions extends ModelOptions {
  /** Calls in 24 hours, which depend on edition and licences. */
  dailyRequestsMax?: number
}

/** A Salesforce org with a connected app that signs in with a certificate or a secret. */
export const salesforce = { kind: 'salesforce', open } satisfies Model

const oldestVersion = 60
const newestVersion = 68

async function open(options: SalesforceOptions = {}): Promise<ModelSystem> {
  const { seed = 1, limits = 'vendor', dailyRequestsMax = 15_000 } = options
  const draw = random('salesforce', seed)
  const username = `integration@${draw.token(8).toLowerCase()}.example.com`
  const org = new Org(draw, username)
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const app = {
    clientId: secret('3MVG9'),
    clientSecret: secret(),
    username,
    publicKey,
    orgId: idOf('00D', draw.between(1_000_000, 9_000_000)),
    userId: org.userId,
  }
  let url = ''
  const signIn = new SignIn(app, org.clock, () => url)
  const rateLimit = new RateLimit(
    { windowMs: 86_400_000, max: dailyRequestsMax, kind: 'sliding' },
    limits === 'vendor',
  )
  const routes = createRoutes(org, () => [dailyRequestsMax, rateLimit.left])
  const server = await openServer({
    clock: org.clock,
    faults: org.faults,
    rateLimit,
    behaviour: {
      ...behaviour,
      handle(request) {
        if (request.path === '/services/oauth2/token')
          return request.method === 'POST' ? signIn.token(request) : undefined
        signIn.check(request)
        return routes(request)
      },
      headers: () => ({
        'sforce-limit-info': `api-usage=${dailyRequestsMax - rateLimit.left}/${dailyRequestsMax}`,
      }),
    },
  })
  url = server.url
  const { clientId, clientSecret } = app
  return {
    kind: 'salesforce',
    url,
    credentials: {
      loginUrl: url,
      instanceUrl: url,
      clientId,
      clientSecret,
      username,
      privateKey: await exportPKCS8(privateKey),
    },
    clock: org.clock,
    objects: org.store.objects,
    state: (object) => org.store.state(object),
    put: (object, fields) => org.store.put(object, fields),
    remove: (object, id) => org.store.remove(object, id),
    automate: (object, rule) => org.store.automate(object, rule),
    writes: () => org.store.writes(),
    fill: (count, fillSeed) => org.store.fill(count, fillSeed),
    day: (changes, daySeed) => org.store.day(changes, daySeed),
    faults: org.faults,
    requests: server.requests,
    close: server.close,
  }
}

type Handler = (request: Received, version: string, ...parts: string[]) => Reply

function createRoutes(org: Org, usage: () => [max: number, left: number]) {
  const queries = new QueryApi(org)
  const objects = new ObjectsApi(org)
  const writes = new WriteApi(org)
  const base = '^/services/data/v(\\d\\d\\.0)'
  const route = (method: string, path: string, handler: Handler) =>
    [method, new RegExp(`${base}${path}$`), handler] as const
  const id = '([0-9A-Za-z]{15}|[0-9A-Za-z]{18})'
  const routes = [
    route('GET', '/(query|queryAll)/?', (request, version, resource) =>
      queries.query(version, resource === 'queryAll' ? 'queryAll' : 'query', request),
    ),
    route('GET', '/(query|queryAll)/(01g[^/]+)', (request, version, resource, locator) =>
      queries.next(version, resource!, locator!, request),
    ),
    route('GET', '/sobjects/?', (request) => objects.list(request)),
    route('GET', '/sobjects/([^/]+)/describe/?', (request, _version, object) =>
      objects.describe(typeOf(object!), request),
    ),
    route('GET', '/sobjects/([^/]+)/deleted/?', (request, _version, object) =>
      objects.deleted(typeOf(object!), request),
    ),
    route('GET', '/sobjects/([^/]+)/updated/?', (request, _version, object) =>
      objects.updated(typeOf(object!), request),
    ),
    route('GET', `/sobjects/([^/]+)/${id}`, (request, _version, object, one) =>
      objects.read(typeOf(object!), one!, request),
    ),
    route('GET', '/sobjects/([^/]+)/([^/]+)/([^/]+)', (request, _version, object, field, value) =>
      objects.readBy(typeOf(object!), field!, value!, request),
    ),
    route('POST', '/sobjects/([^/]+)/?', (request, _version, object) =>
      writes.create(typeOf(object!), request),
    ),
    route('PATCH', `/sobjects/([^/]+)/${id}`, (request, _version, object, one) =>
      writes.update(typeOf(object!), one!, request),
    ),
    route('DELETE', `/sobjects/([^/]+)/${id}`, (request, _version, object, one) =>
      writes.remove(typeOf(object!), one!, request),
    ),
    route('PATCH', '/sobjects/([^/]+)/([^/]+)/([^/]+)', (request, _version, object, field, value) =>
      writes.upsert(typeOf(object!), field!, value!, request),
    ),
    route('POST', '/composite/sobjects/?', (request) => writes.collection('create', request)),
    route('PATCH', '/composite/sobjects/?', (request) => writes.collection('update', request)),
    route('PATCH', '/composite/sobjects/([^/]+)/([^/]+)', (request, _version, object, field) =>
      writes.upsertCollection(typeOf(object!), field!, request),
    ),
    route('GET', '/limits/?', (request) => {
      queryOf(request).end()
      const [Max, Remaining] = usage()
      return { status: 200, body: { DailyApiRequests: { Max, Remaining } } }
    }),
  ]
  return (request: Received): Reply | undefined => {
    for (const [method, path, handler] of routes) {
      if (method !== request.method) continue
      const [, version, ...parts] = path.exec(request.path) ?? []
      if (version === undefined) continue
      if (Number(version) < oldestVersion || Number(version) > newestVersion) return undefined
      return handler(request, version, ...parts.map(decodeURIComponent))
    }
    return undefined
  }
}

const behaviour: Omit<Behaviour, 'handle' | 'headers'> = {
  notFound: () => errorReply(404, 'NOT_FOUND', 'The requested resource does not exist'),
  failure(status) {
    if (status === 403) return limitExceeded()
    if (status === 400)
      return errorReply(
        status,
        'UNABLE_TO_LOCK_ROW',
        'unable to obtain exclusive access to this record',
      )
    return status === 503
      ? errorReply(status, 'SERVER_UNAVAILABLE', 'The server is too busy')
      : errorReply(status, 'UNKNOWN_EXCEPTION', 'An unexpected error occurred')
  },
  forbidden: (request) =>
    request.method === 'GET'
      ? noSuchObject(objectOf(request))
      : errorReply(403, 'INSUFFICIENT_ACCESS', 'insufficient access rights on object id'),
  expired(what, request) {
    if (request.path === '/services/oauth2/token') return undefined
    if (what === 'token') return invalidSession()
    return /\/(query|queryAll)\/01g/.test(request.path) ? invalidLocator().reply : undefined
  },
  limited: limitExceeded,
}

/** Returns the object that a request reads, for the error about it. */
function objectOf(request: Received): string {
  const words = `${request.path}/${request.query.get('q') ?? ''}`.split(/[\s/]+/)
  return words.map(findObjectType).find((type) => type !== undefined)?.name ?? OBJECT_TYPES[0]!.name
}
