import { ownValue } from '../../../schema/kit/dictionary.ts'
import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Idempotency } from '../kit/idempotency.ts'
import type { Model } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { Query } from '../kit/query.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { type Behaviour, openServer, type Received, Refused, type Reply } from '../kit/server.ts'
import { dayMs, Store } from '../kit/store.ts'
import { CATEGORY, failed, notSignedIn } from './errors.ts'
import { readExpand } from './expand.ts'
import { errorReply } from './exportInput.ts'
import { Exports } from './exports.ts'
import { type Listing, objectQuery } from './objectQuery.ts'
import { deleteDependents, setContacts, zuoraRules } from './records.ts'
import { Tokens } from './tokens.ts'
import { write } from './writeApi.ts'

/** The rate of a developer sandbox. */
const perMinute = { windowMs: 60_000, max: 12_500, kind: 'fixed' } as const
const limitHeader = '12500, 12500;w=60, 25000;w=3600, 50000;w=86400'

export const zuora: Model = {
  kind: 'zuora',
  async open({ seed = 1, limits = 'vendor' } = {}) {
    const clock = createClock()
    const faults = new PlannedFaults()
    const ids = random('zuora', seed)
    const deletedAt = new Map<string, number>()
    const store: Store = new Store({
      clock,
      faults,
      rules: zuoraRules(ids),
      onWrite({ object, id, action, record }) {
        if (action === 'deleted') deletedAt.set(id, clock.now())
        if (object === 'Contact' && action === 'created') setContacts(store, record)
        if (action === 'deleted') deleteDependents(store, object, id)
      },
    })
    const exports = new Exports(store, ids, deletedAt)
    const tokens = new Tokens(clock, limits === 'vendor')
    const rateLimit = new RateLimit(perMinute, limits === 'vendor')
    const server = await openServer({
      clock,
      faults,
      rateLimit,
      behaviour: {
        ...forms(exports),
        idempotency: idempotency(tokens),
        handle: (request) => handle(request, store, tokens, exports),
        headers: () => ({
          'ratelimit-limit': limitHeader,
          'ratelimit-remaining': `${rateLimit.left}`,
          'ratelimit-reset': `${60 - (Math.floor(clock.now() / 1000) % 60)}`,
        }),
      },
    })
    return modelOf({
      kind: 'zuora',
      credentials: { ...tokens.credentials, partnerId: exports.partnerId },
      clock,
      faults,
      store,
      server,
    })
  },
}

const listing = (object: string, fields: string, filterRequired = false): Listing => ({
  object,
  fields: ['id', 'updatedDate', ...fields.split(' ')],
  filterRequired,
})

const LISTINGS: ReadonlyMap<string, Listing> = new Map([
  [
    'accounts',
    listing(
      'Account',
      'accountNumber balance batch billCycleDay billToId crmId currency name parentId soldToId status touchstoneId__c',
    ),
  ],
  ['contacts', listing('Contact', 'accountId firstName lastName workEmail country')],
  ['products', listing('Product', 'name sku productNumber category touchstoneId__c')],
  ['product-rate-plans', listing('ProductRatePlan', 'name productId')],
  ['product-rate-plan-charges', listing('ProductRatePlanCharge', 'name productRatePlanId')],
  [
    'product-rate-plan-charge-tiers',
    listing('ProductRatePlanChargeTier', 'productRatePlanChargeId currency'),
  ],
  [
    'subscriptions',
    listing(
      'Subscription',
      'accountId contractEffectiveDate name originalId previousSubscriptionId renewalTerm status isLatestVersion termEndDate termStartDate version cMRR',
    ),
  ],
  [
    'invoices',
    listing('Invoice', 'accountId invoiceNumber invoiceDate dueDate status balance amount'),
  ],
  ['invoice-items', listing('InvoiceItem', 'invoiceId chargeDate subscriptionId', true)],
  ['rate-plans', listing('RatePlan', 'name subscriptionId productRatePlanId')],
  ['rate-plan-charges', listing('RatePlanCharge', 'name ratePlanId chargeNumber')],
  ['orders', listing('Order', 'accountId orderNumber orderDate status')],
  ['credit-memos', listing('CreditMemo', 'accountId memoNumber memoDate status balance')],
  ['payments', listing('Payment', 'accountId paymentNumber effectiveDate status amount')],
])

/** Children that one record shows at most. */
const expandedMax = 99

/** Fields that a record can be read by, besides its id. */
const NUMBERS: ReadonlyMap<string, string> = new Map([
  ['Account', 'accountNumber'],
  ['Invoice', 'invoiceNumber'],
  ['Payment', 'paymentNumber'],
  ['Order', 'orderNumber'],
  ['CreditMemo', 'memoNumber'],
])

const keyLengthMax = 254

/** The reply to the first request with a key is stored, whether it succeeded or not. */
const idempotency = (tokens: Tokens): Idempotency => ({
  keyOf({ method, path, headers }) {
    if ((method !== 'POST' && method !== 'PATCH') || path === '/oauth/token') return undefined
    const key = headers['idempotency-key']
    if (key === undefined) return undefined
    if (!tokens.isValid(headers.authorization)) throw new Refused(notSignedIn)
    if (typeof key === 'string' && key !== '' && key.length <= keyLengthMax) return key
    throw new Refused(failed(400, CATEGORY.input, 'The idempotency key is too long'))
  },
  windowMs: dayMs,
  replayed: {},
  stores: ({ status }) => status !== 401 && status !== 429,
  other: () => failed(422, CATEGORY.input, 'The idempotency key belongs to another request.'),
  running: () => failed(409, CATEGORY.locked, 'The first request with the key still runs.'),
})

function handle(
  request: Received,
  store: Store,
  tokens: Tokens,
  exports: Exports,
): Reply | undefined {
  const { method, path, headers } = request
  if (method === 'POST' && path === '/oauth/token') return tokens.issue(request)
  if (!tokens.isValid(headers.authorization)) throw new Refused(notSignedIn)
  if (method === 'POST' || method === 'PUT') {
    const reply = write(store, request)
    if (reply) return reply
  }
  if (path.startsWith('/v1/')) return exports.handle(request)
  const [, name = '', key] = /^\/object-query\/([\w-]+)(?:\/([^/]+))?$/.exec(path) ?? []
  const found = LISTINGS.get(name)
  if (method !== 'GET' || !found) return undefined
  const table = store.table(found.object)
  const query = new Query(request.query, (parameter, problem) => {
    const reply = failed(400, CATEGORY.input, `${problem} parameter: ${parameter}`)
    return new Refused(reply, problem === 'unknown')
  })
  if (key === undefined) return objectQuery(store, query, found)
  const expand = readExpand(query, found.object)
  query.end()
  const wanted = decodeURIComponent(key)
  const field = NUMBERS.get(found.object)
  const row =
    table.find(wanted) ??
    (field === undefined
      ? undefined
      : table.sorted('id').find(({ record }) => ownValue(record, field) === wanted))
  if (!row || row.deleted)
    throw new Refused(failed(200, CATEGORY.missing, `Cannot find entity by key: '${wanted}'.`))
  return { status: 200, body: { ...row.record, ...expand.added(row.record, store, expandedMax) } }
}

const isExport = (path: string) => path.startsWith('/v1/batch-query')

const forms = (exports: Exports): Omit<Behaviour, 'handle' | 'headers'> => ({
  notFound: ({ method, path }) => failed(404, CATEGORY.missing, `No operation ${method} ${path}`),
  failure(status, { path }) {
    // A fault with status 200 is an error that only the body shows.
    if (status === 200 && isExport(path)) return errorReply(90022)
    if (status === 200) return failed(200, CATEGORY.locked, 'The record is locked, try again.')
    if (status === 429) return failed(429, CATEGORY.limit, 'Request exceeded limit')
    if (status === 401) return notSignedIn
    if (status < 500) return failed(status, CATEGORY.input, 'Invalid request')
    return {
      status,
      headers: { 'content-type': 'text/plain' },
      body: "We're sorry, but something went wrong.",
    }
  },
  forbidden({ path }) {
    if (isExport(path)) return errorReply(90009)
    const status = path.startsWith('/v1/file') ? 403 : 200
    return failed(status, CATEGORY.permission, 'Your user has no permission for this operation.')
  },
  failedJob: (request) => exports.abort(request),
  expired(what, { path, query }) {
    if (what === 'token') return path === '/oauth/token' ? undefined : notSignedIn
    // The file of an export is deleted after some days.
    if (path.startsWith('/v1/file')) return { status: 404, body: 'File not found' }
    return query.has('cursor')
      ? failed(400, CATEGORY.input, 'invalid parameter: cursor')
      : undefined
  },
  limited: (waitMs) =>
    failed(429, CATEGORY.limit, 'Request exceeded limit', {
      'retry-after': `${Math.ceil(waitMs / 1000)}`,
    }),
})
