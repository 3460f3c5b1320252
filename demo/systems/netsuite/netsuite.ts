import { exportPKCS8, generateKeyPair } from 'jose'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Model, ModelOptions, ModelSystem } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { Query } from '../kit/query.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { type Behaviour, openServer, type Received, Refused, type Reply } from '../kit/server.ts'
import { Store } from '../kit/store.ts'
import { UniqueValues } from '../kit/uniqueValues.ts'
import type { SqlConnection } from './connection.ts'
import { AccountDatabase } from './database.ts'
import { badRequest, errorReply, invalidLogin, noSuchRecord, tooMany } from './errors.ts'
import { RecordApi } from './recordApi.ts'
import { changeLine, mergeCustomers, netsuiteRules, removeRecord, writeChildren } from './rules.ts'
import { SignIn, tokenPath } from './signIn.ts'
import { BadSuiteQl, translate } from './suiteql.ts'
import { tableNamed } from './tables.ts'

export interface NetsuiteOptions extends ModelOptions {
  /**
   * A connection to a Postgres database in which the model may create a schema: it executes
   * SuiteQL. Without one the model answers queries with 500. The caller closes it after the model.
   */
  database?: SqlConnection
  /** How the client signs; RS256 is not accepted. */
  algorithm?: 'PS256' | 'ES256'
}

const pageRowsMax = 1000
const resultRowsMax = 100_000
const concurrencyMax = 5
const timeZone = 'America/Los_Angeles'
const suiteQlPath = '/services/rest/query/v1/suiteql'

/** A NetSuite account, read by SuiteQL. */
export const netsuite = { kind: 'netsuite', open } satisfies Model

async function open(options: NetsuiteOptions = {}): Promise<ModelSystem> {
  const { seed = 1, limits = 'vendor', algorithm = 'PS256' } = options
  const clock = createClock()
  const faults = new PlannedFaults()
  const draw = random('netsuite', seed)
  const externalIds = new UniqueValues(
    new Map(['customer', 'contact', 'item', 'transaction'].map((name) => [name, ['externalid']])),
    ownValue,
  )
  const store: Store = new Store({
    clock,
    faults,
    rules: netsuiteRules(),
    unique: externalIds,
    onWrite(written) {
      database.follow(written)
      writeChildren(store, draw, written)
    },
    actions: [
      { weight: 1, run: mergeCustomers },
      { weight: 2, run: changeLine },
    ],
  })
  const database = new AccountDatabase(options.database, store, timeZone)
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const integration = {
    accountId: `${draw.between(1_000_000, 9_000_000)}_SB1`,
    clientId: secret(),
    certificateId: secret(),
    publicKey,
  }
  let url = ''
  const signIn = new SignIn(integration, clock, () => url)
  const records = new RecordApi(store, externalIds, () => url)
  const slots = new Slots(limits === 'vendor' ? concurrencyMax : Number.POSITIVE_INFINITY)
  const server = await openServer({
    clock,
    faults,
    rateLimit: new RateLimit({ windowMs: 1000, max: 1, kind: 'sliding' }, false),
    behaviour: {
      ...behaviour,
      handle(request) {
        if (request.path === tokenPath)
          return request.method === 'POST' ? signIn.token(request) : undefined
        signIn.check(request)
        if (request.path === suiteQlPath && request.method === 'POST')
          return slots.use(() => suiteQl(database, url, request))
        if (request.path === '/services/rest/system/v1/governanceLimits')
          return { status: 200, body: { accountConcurrencyLimit: concurrencyMax } }
        return slots.use(async () => records.handle(request))
      },
    },
  })
  url = server.url
  const { accountId, clientId, certificateId } = integration
  const credentials = {
    ...{ accountId, clientId, certificateId, algorithm, baseUrl: url },
    privateKey: await exportPKCS8(privateKey),
  }
  return {
    ...modelOf({ kind: 'netsuite', credentials, clock, faults, store, server }),
    put(object, fields) {
      const { id, ...rest } = fields
      const isId = tableNamed(object).columns.has('id') && id !== undefined
      return store.put(object, isId ? { ...rest, rowid: String(id) } : fields)
    },
    remove: (object, id) => removeRecord(store, object, id),
    requests: () => ({ ...server.requests(), mostInAWindow: slots.most }),
    async close() {
      await server.close()
      await database.close()
    },
  }
}

/** Counts the requests that run at one time: NetSuite limits these, not their rate. */
class Slots {
  readonly #max: number
  #used = 0
  most = 0

  constructor(max: number) {
    this.#max = max
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    this.most = Math.max(this.most, this.#used + 1)
    if (this.#used >= this.#max) throw new Refused(tooMany())
    this.#used += 1
    try {
      return await work()
    } finally {
      this.#used -= 1
    }
  }
}

async function suiteQl(database: AccountDatabase, url: string, request: Received): Promise<Reply> {
  const query = new Query(request.query, (name, problem) =>
    badRequest(`The parameter ${name} is ${problem}.`, 'INVALID_PARAMETER', problem === 'unknown'),
  )
  const limit = query.integer('limit', 1, pageRowsMax, pageRowsMax)
  const offset = query.integer('offset', 0, resultRowsMax, 0)
  query.end()
  if (offset % limit !== 0) throw badRequest('The offset must be a multiple of the limit.')
  if (offset + limit > resultRowsMax)
    throw badRequest(`A query returns at most ${resultRowsMax} results.`)
  if (String(request.headers.prefer ?? '').toLowerCase() !== 'transient')
    throw badRequest(
      'The required request header Prefer is missing or not transient.',
      'INVALID_HEADER',
    )
  const page = await run(database, sqlOf(request), limit, offset)
  const total = Math.min(page.total, resultRowsMax)
  const hasMore = offset + page.items.length < total
  const link = (rel: string, at: number) => ({
    rel,
    href: `${url}${suiteQlPath}?limit=${limit}&offset=${at}`,
  })
  const links = [link('self', offset), ...(hasMore ? [link('next', offset + limit)] : [])]
  const body = {
    links,
    count: page.items.length,
    hasMore,
    items: page.items,
    offset,
    totalResults: total,
  }
  return { status: 200, body }
}

function sqlOf(request: Received): string {
  try {
    const { q, ...rest } = JSON.parse(request.body) as Record<string, unknown>
    if (typeof q === 'string' && Object.keys(rest).length === 0) return q
  } catch {
    throw badRequest('The request body is no JSON.', 'INVALID_CONTENT')
  }
  throw badRequest('The request body needs one text q.', 'INVALID_CONTENT', true)
}

async function run(database: AccountDatabase, q: string, limit: number, offset: number) {
  try {
    return await database.page(translate(q), limit, offset)
  } catch (error) {
    if (error instanceof BadSuiteQl)
      throw badRequest(
        `Invalid search query. ${error.message}.`,
        'INVALID_PARAMETER',
        error.unknown,
      )
    throw error
  }
}

const behaviour: Omit<Behaviour, 'handle'> = {
  notFound: () => errorReply(404, 'Not Found', 'NONEXISTENT_URL', 'The URL does not exist.'),
  failure: (status) =>
    status === 429
      ? tooMany()
      : errorReply(status, 'Error', 'UNEXPECTED_ERROR', 'An error occurred.'),
  forbidden: ({ path }) =>
    path.startsWith('/services/rest/record/')
      ? errorReply(
          403,
          'Forbidden',
          'INSUFFICIENT_PERMISSION',
          'Permission Violation: You need a higher level of the permission to access this page.',
        )
      : noSuchRecord(),
  expired: (what, { path }) =>
    what === 'token' && path !== tokenPath ? invalidLogin() : undefined,
  limited: tooMany,
}
