import { random } from '../../random.ts'
import { EntraSignIn } from '../kit/entraSignIn.ts'
import type { Model, ModelOptions, ModelSystem } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { openServer, type Received, type Reply } from '../kit/server.ts'
import { keyOf } from './body.ts'
import { Environment } from './environment.ts'
import { errorReply, expiredVersion, noPrivilege, notFound } from './errors.ts'
import { checkVersion, queryOf } from './request.ts'
import { guid } from './rules.ts'

import { findTable, TABLES, type Table } from './tables.ts'
import { WebApi } from './webApi.ts'
import { addressOf, WriteApi } from './writeApi.ts'

export interface DataverseOptions extends ModelOptions {
  /** Requests of a user in 5 minutes. */
  requestsMax?: number
}

/** An environment of Dataverse with the tables of Dynamics 365 Sales, and its tenant. */
export const dataverse = { kind: 'dataverse', open } satisfies Model

const windowMs = 300_000

async function open(options: DataverseOptions = {}): Promise<ModelSystem> {
  const { seed = 1, limits = 'vendor', requestsMax = 6000 } = options
  const draw = random('dataverse', seed)
  const environment = new Environment(draw)
  const application = { tenantId: guid(draw), clientId: guid(draw), clientSecret: secret() }
  let url = ''
  const signIn = new EntraSignIn(application, environment.clock, () => url)
  const rateLimit = new RateLimit(
    { windowMs, max: requestsMax, kind: 'sliding' },
    limits === 'vendor',
  )
  const routes = createRoutes(environment, draw, () => url)
  /** Requests that were refused one after the other: the wait grows with them. */
  let refusedInARow = 0
  const limited = (waitMs: number): Reply => {
    refusedInARow += 1
    const message = `Number of requests exceeded the limit of ${requestsMax} over the time window of ${windowMs / 1000} seconds.`
    const seconds = Math.ceil(waitMs / 1000) + refusedInARow - 1
    return {
      ...errorReply(429, '0x80072322', message),
      headers: { 'retry-after': String(seconds) },
    }
  }
  const server = await openServer({
    clock: environment.clock,
    faults: environment.faults,
    rateLimit,
    behaviour: {
      handle(request) {
        refusedInARow = 0
        const tenant = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(request.path)?.[1]
        if (tenant !== undefined)
          return request.method === 'POST' ? signIn.token(tenant, request) : undefined
        signIn.check(request)
        checkVersion(request)
        return routes(request)
      },
      notFound: (request) => notFound(`Resource not found for ${request.path}.`).reply,
      failure: (status) =>
        status === 429
          ? errorReply(429, '0x80072322', 'Number of requests exceeded the limit.')
          : errorReply(status, '0x80040216', 'An unexpected error occurred.'),
      forbidden: ({ method, path }) =>
        noPrivilege(tableIn(path)?.logical ?? '', ACCESS.get(method) ?? 'Read'),
      expired(what, request) {
        if (request.path.endsWith('/token')) return undefined
        if (what === 'token') return signIn.unauthorized()
        const carries = ['$deltatoken', '$skiptoken'].some((name) => request.query.has(name))
        return carries ? expiredVersion() : undefined
      },
      limited,
      headers: () => ({ 'x-ms-ratelimit-burst-remaining-xrm-requests': String(rateLimit.left) }),
    },
  })
  url = server.url
  const { store, clock, faults } = environment
  const credentials = { ...application, organizationUrl: url, loginUrl: url }
  return modelOf({ kind: 'dataverse', credentials, clock, faults, store, server })
}

const ACCESS = new Map([
  ['POST', 'Create'],
  ['PATCH', 'Write'],
  ['DELETE', 'Delete'],
])

const tableIn = (path: string): Table | undefined =>
  TABLES.find(({ set }) => path.split(/[/(]/).includes(set))

function createRoutes(
  environment: Environment,
  draw: Parameters<typeof guid>[0],
  url: () => string,
) {
  const api = new WebApi(environment, url)
  const writes = new WriteApi(environment, url, (version, of, id, request) =>
    api.show(version, of, id, request),
  )
  const [businessUnit, organization] = [guid(draw), guid(draw)]
  const table = (set: string): Table => {
    const found = findTable(set)
    if (!found) throw notFound(`Resource not found for the segment '${set}'.`, true)
    return found
  }
  const whoAmI = (request: Received): Reply => {
    queryOf(request).end()
    const body = {
      '@odata.context': `${url()}/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
      BusinessUnitId: businessUnit,
      UserId: environment.userId,
      OrganizationId: organization,
    }
    return { status: 200, body }
  }
  const change = (version: string, rest: string, request: Received): Reply | undefined => {
    const [, set, inner, counts] = SEGMENT.exec(rest) ?? []
    if (set === undefined || counts) return undefined
    const found = table(set)
    if (inner === undefined)
      return request.method === 'POST' ? writes.create(version, found, request) : undefined
    const address = addressOf(inner, keyOf(found, inner))
    if (!address) return undefined
    if (request.method === 'PATCH') return writes.upsert(version, found, address, request)
    return request.method === 'DELETE' ? writes.remove(found, address, request) : undefined
  }
  return (request: Received): Reply | undefined => {
    const [, version, rest] =
      /^\/api\/data\/v(9\.[0-2])\/([^/]+(?:\/\$count)?)$/.exec(request.path) ?? []
    if (version === undefined || rest === undefined) return undefined
    if (request.method !== 'GET') return change(version, decodeURIComponent(rest), request)
    if (rest === 'WhoAmI' || rest === 'WhoAmI()') return whoAmI(request)
    const [, set, inner, counts] = SEGMENT.exec(decodeURIComponent(rest)) ?? []
    if (set === undefined) return undefined
    const found = table(set)
    if (counts) return inner === undefined ? api.count(found, request) : undefined
    if (inner === undefined) return api.list(version, found, request)
    const address = addressOf(inner, keyOf(found, inner))
    if (!address) return undefined
    const id = 'id' in address ? address.id : environment.idOf(found, address.key)
    if (id === undefined) throw writes.missing(found, address)
    return api.read(version, found, id, request)
  }
}

/** An entity set, a row of it, or the number of its rows. */
const SEGMENT = /^(\w+)(?:\(([^)]+)\))?(\/\$count)?$/
