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
  const base = '^/services/data/v(\\d\\d\\.0)'
  const route = (path: string, handler: Handler) =>
    [new RegExp(`${base}${path}$`), handler] as const
  const routes = [
    route('/(query|queryAll)/?', (request, version, resource) =>
      queries.query(version, resource === 'queryAll' ? 'queryAll' : 'query', request),
    ),
    route('/(query|queryAll)/(01g[^/]+)', (request, version, resource, locator) =>
      queries.next(version, resource!, locator!, request),
    ),
    route('/sobjects/?', (request) => objects.list(request)),
    route('/sobjects/([^/]+)/describe/?', (request, _version, object) =>
      objects.describe(typeOf(object!), request),
    ),
    route('/sobjects/([^/]+)/deleted/?', (request, _version, object) =>
      objects.deleted(typeOf(object!), request),
    ),
    route('/sobjects/([^/]+)/updated/?', (request, _version, object) =>
      objects.updated(typeOf(object!), request),
    ),
    route('/sobjects/([^/]+)/([0-9A-Za-z]{15}|[0-9A-Za-z]{18})', (request, _version, object, id) =>
      objects.read(typeOf(object!), id!, request),
    ),
    route('/limits/?', (request) => {
      queryOf(request).end()
      const [Max, Remaining] = usage()
      return { status: 200, body: { DailyApiRequests: { Max, Remaining } } }
    }),
  ]
  return (request: Received): Reply | undefined => {
    if (request.method !== 'GET') return undefined
    for (const [path, handler] of routes) {
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
    return status === 503
      ? errorReply(status, 'SERVER_UNAVAILABLE', 'The server is too busy')
      : errorReply(status, 'UNKNOWN_EXCEPTION', 'An unexpected error occurred')
  },
  forbidden: (request) => noSuchObject(objectOf(request)),
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
