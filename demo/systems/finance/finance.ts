import { random } from '../../random.ts'
import { EntraSignIn } from '../kit/entraSignIn.ts'
import type { Received, Reply } from '../kit/exchange.ts'
import type { Model, ModelOptions, ModelSystem } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { openServer } from '../kit/server.ts'
import { entityOf } from './entities.ts'
import { Environment } from './environment.ts'
import { badRequest, errorReply, noRoute, writeFailed } from './errors.ts'
import { ReadApi } from './readApi.ts'
import { checkVersion, pageRowsMax } from './request.ts'
import { WriteApi } from './writeApi.ts'

/** How important the customer calls an integration: what is less important is throttled first. */
export type Priority = 'low' | 'medium' | 'high'

export interface FinanceOptions extends ModelOptions {
  priority?: Priority
  /** Requests in 5 minutes that the web servers take, in place of those of the priority. */
  requestsMax?: number
  /** Rows of a page, whatever is preferred; without it, the 10,000 of the vendor. */
  pageRowsMax?: number
}

/** An environment of Dynamics 365 finance and operations with several legal entities. */
export const finance = { kind: 'finance', open } satisfies Model

const windowMs = 300_000
/** The vendor publishes no number: what the web servers take depends on their load. */
const CAPACITY: Readonly<Record<Priority, number>> = { low: 1500, medium: 3000, high: 6000 }

async function open(options: FinanceOptions = {}): Promise<ModelSystem> {
  const { seed = 1, limits = 'vendor', priority = 'medium' } = options
  const draw = random('finance', seed)
  const environment = new Environment(draw)
  const guid = () => draw.fill('########-####-4###-9###-############').replaceAll('A', 'a')
  const application = { tenantId: guid(), clientId: guid(), clientSecret: secret() }
  let url = ''
  const signIn = new EntraSignIn(application, environment.clock, () => url)
  const reads = new ReadApi(environment, () => url, options.pageRowsMax ?? pageRowsMax)
  const writes = new WriteApi(environment, reads)
  const max = options.requestsMax ?? CAPACITY[priority]
  const server = await openServer({
    clock: environment.clock,
    faults: environment.faults,
    rateLimit: new RateLimit({ windowMs, max, kind: 'sliding' }, limits === 'vendor'),
    behaviour: {
      handle(request) {
        const tenant = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(request.path)?.[1]
        if (tenant !== undefined)
          return request.method === 'POST' ? signIn.token(tenant, request) : undefined
        signIn.check(request)
        checkVersion(request)
        return route(reads, writes, request)
      },
      notFound: ({ path }) => noRoute(`${url}${path}`),
      // Another transaction changed the record while this one wrote it.
      failure: (status) =>
        status === 400
          ? writeFailed(
              'CustCustomerV3Entity',
              'Cannot edit a record in Customers (CustTable). An update conflict occurred due to another user process deleting the record or changing one or more fields in the record',
            ).reply
          : errorReply(status, 'The service failed.'),
      forbidden: () =>
        errorReply(
          403,
          'The user has no permission for the entity.',
          'System.UnauthorizedAccessException',
        ),
      expired: (what, { path }) =>
        what === 'token' && path.startsWith('/data') ? signIn.unauthorized() : undefined,
      limited: (waitMs) => ({
        ...errorReply(429, 'Too many requests: the request was throttled.'),
        headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
      }),
    },
  })
  url = server.url
  const { clock, faults, store } = environment
  const credentials = { ...application, environmentUrl: url, loginUrl: url }
  const system = modelOf({ kind: 'finance', credentials, clock, faults, store, server })
  return { ...system, put: (set, fields) => environment.put(set, fields) }
}

/** An entity set, a record of it, or the number of its records. */
const SEGMENT = /^\/data\/(\w+)(?:\((.+)\))?(\/\$count)?$/

function route(reads: ReadApi, writes: WriteApi, request: Received): Reply | undefined {
  const path = decodeURIComponent(request.path)
  if (path === '/data' || path === '/data/')
    return request.method === 'GET' ? reads.root(request) : undefined
  const [, set, key, counts] = SEGMENT.exec(path) ?? []
  if (set === undefined) return undefined
  const entity = entityOf(set)
  if (!entity) {
    const unknown = badRequest(`Resource not found for the segment '${set}'.`, true)
    return { ...unknown.reply, status: 404, unknown: true }
  }
  if (counts !== undefined)
    return key === undefined && request.method === 'GET' ? reads.count(entity, request) : undefined
  if (request.method !== 'GET') return writes.handle(entity, key, request)
  return key === undefined ? reads.list(entity, request) : reads.read(entity, key, request)
}
