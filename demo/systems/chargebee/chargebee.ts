import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Idempotency } from '../kit/idempotency.ts'
import type { Model } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { Query } from '../kit/query.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { type Behaviour, openServer, type Received, Refused, type Reply } from '../kit/server.ts'
import { dayMs, Store } from '../kit/store.ts'
import { Table } from '../kit/table.ts'
import { errorReply, notFound, unknownParameter, wrongValue } from './errors.ts'
import { API_KEY_NAME, appendEvent, eventsKeptMs } from './events.ts'
import type { FilterType } from './filters.ts'
import { type Listing, list } from './listing.ts'
import { CustomerRelations, chargebeeRules, seconds } from './records.ts'
import { write } from './writeApi.ts'

const keyLengthMax = 100

/** The rate of a test site. */
const limitPerMinute = { windowMs: 60_000, max: 150, kind: 'sliding' } as const

export const chargebee: Model = {
  kind: 'chargebee',
  async open({ seed = 1, limits = 'vendor' } = {}) {
    const clock = createClock()
    const faults = new PlannedFaults()
    const ids = random('chargebee', seed)
    const events = new Table(clock, new PlannedFaults())
    const relations = new CustomerRelations()
    const store: Store = new Store({
      clock,
      faults,
      rules: chargebeeRules(ids, clock.now() - 600 * dayMs, relations),
      actions: [relations.merge],
      onWrite(written) {
        appendEvent(events, ids, clock.now(), written, store.who.by)
        const { object, id, action } = written
        if (object === 'customer' && action === 'deleted') relations.cascade(store, id)
        if (object === 'contact') relations.touch(store, relations.customerOf(id)!)
      },
    })
    const credentials = { site: 'seller-test', apiKey: secret('test_'), apiKeyName: API_KEY_NAME }
    const server = await openServer({
      clock,
      faults,
      rateLimit: new RateLimit(limitPerMinute, limits === 'vendor'),
      behaviour: {
        ...forms,
        idempotency: idempotency(credentials.apiKey),
        handle(request) {
          check(request, credentials.apiKey)
          return handle(request, store, events, relations)
        },
      },
    })
    return modelOf({ kind: 'chargebee', credentials, clock, faults, store, server })
  },
}

const filters = (
  texts: string,
  choices: string,
  times: string,
  others: readonly [string, FilterType][] = [],
): ReadonlyMap<string, FilterType> =>
  new Map<string, FilterType>([
    ...texts.split(' ').map((name) => [name, 'text'] as const),
    ...choices.split(' ').map((name) => [name, 'choice'] as const),
    ...times.split(' ').map((name) => [name, 'time'] as const),
    ...others,
  ])

/** The lists, by path. */
const LISTINGS: ReadonlyMap<string, Listing> = new Map([
  [
    'item_families',
    {
      name: 'item_family',
      sorts: [],
      deletedByStatus: true,
      filters: filters('id name business_entity_id', 'status', 'updated_at'),
    },
  ],
  [
    'items',
    {
      name: 'item',
      sorts: ['name', 'id', 'updated_at'],
      deletedByStatus: true,
      ignoresIncludeDeleted: true,
      filters: filters('id item_family_id name', 'type status channel', 'updated_at', [
        ['is_giftable', 'flag'],
        ['metered', 'flag'],
        ['enabled_for_checkout', 'flag'],
        ['enabled_in_portal', 'flag'],
      ]),
    },
  ],
  [
    'item_prices',
    {
      name: 'item_price',
      sorts: ['name', 'id', 'updated_at'],
      deletedByStatus: true,
      ignoresIncludeDeleted: true,
      filters: filters(
        'id name item_id item_family_id currency_code price_variant_id',
        'pricing_model item_type status period_unit channel',
        'updated_at',
        [['period', 'number']],
      ),
    },
  ],
  [
    'customers',
    {
      name: 'customer',
      sorts: ['created_at', 'updated_at'],
      deletable: true,
      filters: filters(
        'id first_name last_name email company phone business_entity_id cf_touchstone_id',
        'auto_collection taxability channel',
        'created_at updated_at',
      ),
    },
  ],
  [
    'subscriptions',
    {
      name: 'subscription',
      sorts: ['created_at', 'updated_at'],
      deletable: true,
      filters: filters(
        'id customer_id item_id item_price_id',
        'status channel cancel_reason',
        'created_at activated_at next_billing_at cancelled_at updated_at',
      ),
    },
  ],
  [
    'invoices',
    {
      name: 'invoice',
      sorts: ['date', 'updated_at'],
      deletable: true,
      filters: filters(
        'id subscription_id customer_id',
        'status price_type dunning_status channel',
        'date paid_at updated_at voided_at',
        [
          ['recurring', 'flag'],
          ['total', 'number'],
          ['amount_paid', 'number'],
          ['amount_due', 'number'],
        ],
      ),
    },
  ],
  [
    'credit_notes',
    {
      name: 'credit_note',
      sorts: ['date'],
      deletable: true,
      filters: filters(
        'id customer_id subscription_id reference_invoice_id create_reason_code',
        'type reason_code status price_type channel',
        'date voided_at updated_at',
        [['total', 'number']],
      ),
    },
  ],
  [
    'quotes',
    {
      name: 'quote',
      sorts: ['date'],
      deletable: true,
      filters: filters('id customer_id subscription_id', 'status', 'date updated_at'),
    },
  ],
  [
    'orders',
    {
      name: 'order',
      sorts: ['created_at', 'updated_at'],
      deletable: true,
      filters: filters(
        'id invoice_id subscription_id original_order_id',
        'status order_type resent_status',
        'order_date paid_on shipping_date shipped_at created_at updated_at',
        [['is_resent', 'flag']],
      ),
    },
  ],
  [
    'transactions',
    {
      name: 'transaction',
      sorts: ['date', 'updated_at'],
      deletable: true,
      filters: filters(
        'id customer_id subscription_id payment_source_id reference_number id_at_gateway',
        'payment_method gateway type status',
        'date updated_at',
        [['amount', 'number']],
      ),
    },
  ],
])
const CONTACTS: Listing = { name: 'contact', sorts: [], filters: new Map() }
const EVENTS: Listing = {
  name: 'event',
  sorts: ['occurred_at'],
  filters: filters('id', 'event_type source webhook_status', 'occurred_at'),
}
/** Calls of product catalog 1, which this site does not have. */
const CATALOG_1 = /^\/api\/v2\/(plans|addons)(\/|$)/

function check(request: Received, apiKey: string): void {
  const basic = `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`
  if (request.headers.authorization !== basic)
    throw new Refused(
      errorReply(401, 'api_authentication_failed', 'Sorry, authentication failed.', 'untyped'),
    )
  if (CATALOG_1.test(request.path))
    throw new Refused(
      errorReply(
        400,
        'configuration_incompatible',
        'This API operation is not enabled for this site.',
      ),
    )
}

const idempotency = (apiKey: string): Idempotency => ({
  keyOf(request) {
    if (request.method !== 'POST') return undefined
    check(request, apiKey)
    const key = request.headers['chargebee-idempotency-key']
    if (key === undefined) return undefined
    if (typeof key === 'string' && key !== '' && key.length <= keyLengthMax) return key
    throw wrongValue('chargebee-idempotency-key', `should have 1 to ${keyLengthMax} characters`)
  },
  windowMs: 30 * 60_000,
  replayed: { 'chargebee-idempotency-replayed': 'true' },
  stores: ({ status }) => status < 300 || status >= 500,
  other: () =>
    errorReply(
      422,
      'invalid_request',
      'The idempotency key was used with a different request already.',
    ),
  running: () =>
    errorReply(409, 'lock_timeout', 'The first request with the key runs.', 'operation_failed'),
})

/** Splits a path: the object, an id, and what is below it. */
function partsOf(request: Received): (string | undefined)[] | undefined {
  const [, path, id, below, more] =
    /^\/api\/v2\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?(\/.*)?$/.exec(request.path) ?? []
  if (path === undefined || more !== undefined) return undefined
  return [path, id === undefined ? undefined : decodeURIComponent(id), below]
}

function handle(
  request: Received,
  store: Store,
  events: Table,
  relations: CustomerRelations,
): Reply | undefined {
  const parts = partsOf(request)
  if (!parts) return undefined
  if (request.method === 'POST')
    return store.asApi(`${request.method} ${request.path}`, () =>
      write(store, relations, request, parts),
    )
  const [path, id, below] = parts
  if (request.method !== 'GET') return undefined
  const query = new Query(request.query, (name, problem) =>
    problem === 'unknown' ? unknownParameter(name) : wrongValue(name, 'has a wrong value'),
  )
  if (path === 'events' && id === undefined) {
    const from = seconds(store.clock.now() - eventsKeptMs)
    return list(events, query, EVENTS, ({ record }) => Number(record.occurred_at) >= from)
  }
  const listing = LISTINGS.get(path!)
  if (!listing) return undefined
  const table = store.table(listing.name)
  if (id === undefined) return list(table, query, listing)
  const row = table.find(id)
  if (!row || row.deleted) throw notFound(id)
  if (below === undefined) {
    query.end()
    return { status: 200, body: { [listing.name]: row.record } }
  }
  if (path !== 'customers' || below !== 'contacts') return undefined
  const contacts = relations.contactsOf(row.id).flatMap((contact) => {
    const found = store.table('contact').find(contact)
    return found && !found.deleted ? [found] : []
  })
  return list({ sorted: (_, compare) => contacts.sort(compare) }, query, CONTACTS)
}

const FAILURES: ReadonlyMap<number, string> = new Map([
  [401, 'api_authentication_failed'],
  [403, 'api_authorization_failed'],
  [409, 'invalid_state_for_request'],
  [429, 'api_request_limit_exceeded'],
  [503, 'internal_temporary_error'],
])

const forms: Omit<Behaviour, 'handle'> = {
  notFound: () =>
    errorReply(404, 'http_method_not_supported', 'Sorry, there is no such operation.', 'untyped'),
  failure: (status) =>
    errorReply(
      status,
      FAILURES.get(status) ?? 'internal_error',
      'Sorry, something went wrong.',
      'operation_failed',
    ),
  forbidden: () =>
    errorReply(
      403,
      'api_authorization_failed',
      'The API key has no permission for this.',
      'untyped',
    ),
  expired: (what, request) =>
    what === 'cursor' && request.query.has('offset')
      ? errorReply(400, 'param_wrong_value', 'offset : has a wrong value')
      : undefined,
  limited: (waitMs) => ({
    ...errorReply(429, 'api_request_limit_exceeded', 'Too many requests.', 'operation_failed'),
    headers: { 'retry-after': `${Math.ceil(waitMs / 1000)}` },
  }),
}
