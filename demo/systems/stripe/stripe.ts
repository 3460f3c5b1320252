import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Idempotency } from '../kit/idempotency.ts'
import type { Model, Row } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { Query } from '../kit/query.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { type Behaviour, openServer, type Received, Refused, type Reply } from '../kit/server.ts'
import { dayMs, Store } from '../kit/store.ts'
import { Table } from '../kit/table.ts'
import { errorReply, missing, unknownParameter } from './errors.ts'
import { appendEvents, type Cause, eventsKeptMs } from './events.ts'
import { isGone, type Listing, list, type Resolve, readExpand, show } from './listing.ts'
import { cancelSubscriptions, linesShownMax, seconds, stripeRules } from './records.ts'
import { SearchIndex } from './search.ts'
import { addTaxId, write } from './writeApi.ts'

/** The rate of a sandbox. */
const limitPerSecond = { windowMs: 1_000, max: 25, kind: 'sliding' } as const

const searchLimitPerSecond = { windowMs: 1_000, max: 20, kind: 'sliding' } as const
const keyLengthMax = 255

/** Versions whose form of records is the one of this model. */
const VERSION = /^20\d\d-\d\d-\d\d\.(basil|clover|dahlia|endive)$/

export const stripe: Model = {
  kind: 'stripe',
  async open({ seed = 1, limits = 'vendor' } = {}) {
    const clock = createClock()
    const faults = new PlannedFaults()
    const ids = random('stripe', seed)
    const events = new Table(clock, new PlannedFaults())
    const searches = new Map<string, SearchIndex>([
      ['/v1/customers/search', new SearchIndex(clock, 'customer')],
      ['/v1/products/search', new SearchIndex(clock, 'product')],
    ])
    // Users work in the dashboard: their events name no key.
    const none: Cause = { id: null, idempotency_key: null }
    let cause = none
    const store: Store = new Store({
      clock,
      faults,
      rules: stripeRules(ids),
      onWrite(written) {
        for (const search of searches.values()) search.follow(written)
        const shown = {
          ...written,
          record: shortened(written.record),
          before: written.before && shortened(written.before),
        }
        appendEvents(events, ids, clock.now(), shown, store.who.by === 'api' ? cause : none)
        if (written.object === 'customer' && written.action === 'deleted')
          cancelSubscriptions(store, written.id)
      },
    })
    const credentials = { secretKey: secret('sk_test_') }
    const searchRate = new RateLimit(searchLimitPerSecond, limits === 'vendor')
    const post = (request: Received): Reply | undefined => {
      cause = {
        id: `req_${ids.token(14)}`,
        idempotency_key: keyOf(request, credentials.secretKey) ?? null,
      }
      const reply = store.asApi(`${request.method} ${request.path}`, () =>
        execute(request, store, () => `txi_${ids.token(24)}`),
      )
      return reply && { ...reply, headers: { 'request-id': cause.id! } }
    }
    const server = await openServer({
      clock,
      faults,
      rateLimit: new RateLimit(limitPerSecond, limits === 'vendor'),
      behaviour: {
        ...forms,
        idempotency: idempotency(credentials.secretKey),
        handle(request) {
          check(request, credentials.secretKey)
          if (request.method !== 'GET') return post(request)
          const search = searches.get(request.path)
          if (!search) return handle(request, store, events)
          if (searchRate.take(clock.now()) > 0) throw new Refused(tooMany('rate_limit'))
          return searchRecords(request, store, search)
        },
      },
    })
    return {
      ...modelOf({ kind: 'stripe', credentials, clock, faults, store, server }),
      state: (object) => shortenedRows(store.state(object)),
    }
  },
}

type Fields = Record<string, unknown>

const TIMES = ['created']
const LISTINGS: ReadonlyMap<string, Listing> = new Map<string, Listing>([
  [
    'products',
    { object: 'product', flags: ['active'], times: TIMES, expandable: ['default_price'] },
  ],
  [
    'prices',
    {
      object: 'price',
      equal: ['product', 'currency', 'type'],
      flags: ['active'],
      times: TIMES,
      expandable: ['product'],
    },
  ],
  [
    'customers',
    {
      object: 'customer',
      equal: ['email'],
      times: TIMES,
      expandable: ['tax_ids'],
      included: ['tax_ids'],
    },
  ],
  [
    'subscriptions',
    {
      object: 'subscription',
      equal: ['customer', 'collection_method'],
      times: TIMES,
      // The subscriptions of this world have no discounts, so there is nothing to put into them.
      expandable: ['customer', 'discounts', 'discounts.source.coupon'],
    },
  ],
  [
    'invoices',
    {
      object: 'invoice',
      equal: ['customer', 'status', 'collection_method'],
      times: ['created', 'due_date'],
      expandable: ['customer'],
    },
  ],
  [
    'quotes',
    { object: 'quote', equal: ['customer', 'status'], times: [], expandable: ['customer'] },
  ],
  [
    'credit_notes',
    {
      object: 'credit_note',
      equal: ['customer', 'invoice'],
      times: TIMES,
      expandable: ['customer', 'invoice'],
    },
  ],
  [
    'payment_intents',
    { object: 'payment_intent', equal: ['customer'], times: TIMES, expandable: ['customer'] },
  ],
  [
    'refunds',
    {
      object: 'refund',
      equal: ['charge', 'payment_intent'],
      times: TIMES,
      expandable: ['payment_intent'],
    },
  ],
])
const EVENTS: Listing = { object: 'event', equal: ['type'], times: TIMES, expandable: [] }
const LINES: Listing = { object: 'line_item', times: TIMES, expandable: [] }
const typesMax = 20
/** Statuses that `status` of the list of subscriptions accepts, besides `all` and `ended`. */
const STATUSES = [
  ...['active', 'past_due', 'unpaid', 'canceled', 'incomplete', 'incomplete_expired'],
  ...['trialing', 'paused'],
]

function check(request: Received, secretKey: string): void {
  const { authorization, 'stripe-version': version } = request.headers
  if (authorization === undefined)
    throw new Refused(errorReply(401, 'You did not provide an API key.'))
  if (authorization !== `Bearer ${secretKey}`)
    throw new Refused(errorReply(401, 'Invalid API Key provided.'))
  if (typeof version !== 'string')
    throw new Refused(errorReply(400, 'This model needs the header Stripe-Version.'), true)
  if (!VERSION.test(version))
    throw new Refused(errorReply(400, `Invalid Stripe API version: ${version}`), true)
}

/** Returns the key of a request that changes something. */
function keyOf(request: Received, secretKey: string): string | undefined {
  if (request.method === 'GET') return undefined
  check(request, secretKey)
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && key !== '' && key.length <= keyLengthMax) return key
  throw new Refused(errorReply(400, `Idempotency-Key must have 1 to ${keyLengthMax} characters.`))
}

/** What failed validation, a sign-in or a limit is not stored. */
const idempotency = (secretKey: string): Idempotency => ({
  // A DELETE is idempotent itself, so its key has no effect.
  keyOf: (request) => (request.method === 'POST' ? keyOf(request, secretKey) : undefined),
  windowMs: dayMs,
  replayed: { 'idempotent-replayed': 'true' },
  stores: ({ status }) => ![400, 401, 403, 409, 429].includes(status),
  other: ({ headers }) => ({
    status: 400,
    body: {
      error: {
        message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${headers['idempotency-key']}' if you meant to execute a different request.`,
        type: 'idempotency_error',
      },
    },
  }),
  running: ({ headers }) =>
    errorReply(
      409,
      `There is currently another in-progress request using this Stripe Idempotency Key (that probably means you submitted twice, and the other request is still going through): ${headers['idempotency-key']}. Please try again later.`,
      'idempotency_key_in_use',
    ),
})

const PATH = /^\/v1\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?(\/.*)?$/

/** Executes a create, a change or a delete. */
function execute(request: Received, store: Store, newTaxId: () => string): Reply | undefined {
  const [, path = '', encoded, below, more] = PATH.exec(request.path) ?? []
  const listing = LISTINGS.get(path)
  if (!listing || more !== undefined) return undefined
  const { object } = listing
  const id = encoded === undefined ? undefined : decodeURIComponent(encoded)
  if (request.method === 'DELETE' && id !== undefined && below === undefined) {
    const row = store.table(object).get(id)
    if (!store.deletes(object)) return undefined
    if (!row || row.deleted) throw missing(404, object)(id, 'id')
    store.remove(object, id)
    return { status: 200, body: { id, object, deleted: true } }
  }
  if (request.method !== 'POST') return undefined
  if (path === 'customers' && below === 'tax_ids')
    return { status: 200, body: addTaxId(store, id!, newTaxId(), request) }
  const written = below === undefined ? write(store, object, id, request) : undefined
  if (written === undefined) return undefined
  const form = new URLSearchParams([...request.query, ...new URLSearchParams(request.body)])
  const expand = readExpand(queryOf(form), listing, '')
  const { record } = store.table(object).get(written)!
  return { status: 200, body: show(shortened(record), listing, expand, resolver(store)) }
}

function searchRecords(request: Received, store: Store, search: SearchIndex): Reply {
  const query = queryOf(request.query)
  const text = query.text('query')
  const limit = query.integer('limit', 1, 100, 10)
  const page = query.integer('page', 0, 1_000_000, 0)
  const listing = LISTINGS.get(request.path.split('/')[2] ?? '')!
  const expand = readExpand(query, listing, 'data.')
  query.end()
  if (text === undefined)
    throw new Refused(
      errorReply(400, 'Missing required param: query.', 'parameter_missing', 'query'),
    )
  const found = search.find(store, text)
  const shown = found.slice(page, page + limit)
  const more = page + limit < found.length
  const data = shown.map((record) => show(record, listing, expand, resolver(store)))
  const next_page = more ? String(page + limit) : null
  const url = request.path
  return { status: 200, body: { object: 'search_result', data, has_more: more, next_page, url } }
}

const queryOf = (params: URLSearchParams) =>
  new Query(params, (name, problem) =>
    problem === 'unknown'
      ? unknownParameter(name)
      : new Refused(errorReply(400, `Invalid ${name}`, 'parameter_invalid', name)),
  )

const resolver =
  (store: Store): Resolve =>
  (property, reference) =>
    store.table(property).find(reference)?.record ?? null

function handle(request: Received, store: Store, events: Table): Reply | undefined {
  const [, path, id, below, more] = PATH.exec(request.path) ?? []
  if (path === undefined || more !== undefined) return undefined
  const query = queryOf(request.query)
  const resolve = resolver(store)

  if (path === 'events') {
    const from = seconds(store.clock.now() - eventsKeptMs)
    if (id === undefined) {
      const types = query.matching(/^types\[\d*\]$/).map(({ value }) => value)
      if (types.length > typesMax) throw query.invalid('types')
      return list(events, '/v1/events', query, EVENTS, missing(404, 'event'), resolve, (event) => {
        if (Number(event.created) < from) return false
        return types.length === 0 || types.some((type) => type === event.type)
      })
    }
    const event = events.find(id)?.record
    if (!event || Number(event.created) < from) throw missing(404, 'event')(id, 'id')
    query.end()
    return { status: 200, body: event }
  }

  const listing = LISTINGS.get(path)
  if (!listing) return undefined
  const { object } = listing
  const table = store.table(object)
  if (id === undefined) {
    const status = path === 'subscriptions' ? readStatus(query) : () => true
    const reply = list(table, `/v1/${path}`, query, listing, missing(400, object), resolve, status)
    return path === 'invoices' ? mapData(reply, shortened) : reply
  }
  const row = table.find(decodeURIComponent(id))
  if (!row || isGone(row)) throw missing(404, object)(id, 'id')
  if (below === undefined) {
    const expand = readExpand(query, listing, '')
    query.end()
    return { status: 200, body: show(shortened(row.record), listing, expand, resolve) }
  }
  if (path !== 'invoices' || below !== 'lines') return undefined
  const lines = new Table(store.clock, new PlannedFaults())
  for (const line of [...linesOf(row.record)].reverse()) lines.set(String(line.id), line)
  return list(lines, `/v1/invoices/${id}/lines`, query, LINES, missing(400, 'line_item'), resolve)
}

/** Subscriptions that are canceled are listed only if `status` asks for them. */
function readStatus(query: Query): (record: Fields) => boolean {
  const status = query.oneOf('status', [...STATUSES, 'all', 'ended'])
  if (status === 'all') return () => true
  if (status === 'ended') return (record) => record.ended_at !== null
  if (status === undefined) return (record) => record.status !== 'canceled'
  return (record) => record.status === status
}

const linesOf = (invoice: Fields): readonly Fields[] =>
  Array.isArray(invoice.lines) ? invoice.lines : []

/** Shows an invoice with its first lines. Other records are shown whole. */
function shortened(record: Fields): Fields {
  if (record.object !== 'invoice' || !Array.isArray(record.lines)) return record
  return {
    ...record,
    lines: {
      object: 'list',
      data: record.lines.slice(0, linesShownMax),
      has_more: record.lines.length > linesShownMax,
      url: `/v1/invoices/${record.id}/lines`,
    },
  }
}

const shortenedRows = (rows: ReadonlyMap<string, Row>): ReadonlyMap<string, Row> =>
  new Map([...rows].map(([id, row]) => [id, { ...row, record: shortened(row.record) }]))

function mapData(reply: Reply, map: (record: Fields) => Fields): Reply {
  const body = reply.body as { data: Fields[] }
  return { ...reply, body: { ...body, data: body.data.map(map) } }
}

const forms: Omit<Behaviour, 'handle'> = {
  notFound: ({ method, path }) => errorReply(404, `Unrecognized request URL (${method}: ${path}).`),
  failure: (status) =>
    status === 429 ? tooMany('rate_limit') : errorReply(status, 'An unknown error occurred'),
  forbidden: () =>
    errorReply(403, 'The provided key does not have the required permissions for this endpoint.'),
  expired: (what, request) =>
    what === 'cursor' && request.query.has('starting_after')
      ? errorReply(400, 'No such object', 'resource_missing', 'starting_after')
      : undefined,
  limited: () => tooMany('rate_limit'),
  headers: () => ({ 'request-id': `req_${secret().slice(0, 14)}` }),
}

/** The vendor sends no Retry-After. */
const tooMany = (code: string): Reply =>
  errorReply(429, 'Request rate limit exceeded. Learn more about rate limits.', code)
