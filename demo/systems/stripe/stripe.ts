import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Model, Row } from '../kit/model.ts'
import { Query } from '../kit/query.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { type Behaviour, openServer, type Received, Refused, type Reply } from '../kit/server.ts'
import { Store } from '../kit/store.ts'
import { Table } from '../kit/table.ts'
import { appendEvents, eventsKeptMs } from './events.ts'
import { isGone, type Listing, list, type Resolve, readExpand, show } from './listing.ts'
import { cancelSubscriptions, linesShownMax, seconds, stripeRules } from './records.ts'

/** The rate of a sandbox. */
const limitPerSecond = { windowMs: 1_000, max: 25, kind: 'sliding' } as const

/** Versions whose form of records is the one of this model. */
const VERSION = /^20\d\d-\d\d-\d\d\.(basil|clover|dahlia|endive)$/

export const stripe: Model = {
  kind: 'stripe',
  async open({ seed = 1, limits = 'vendor' } = {}) {
    const clock = createClock()
    const faults = new PlannedFaults()
    const ids = random('stripe', seed)
    const events = new Table(clock, new PlannedFaults())
    const store: Store = new Store({
      clock,
      faults,
      rules: stripeRules(ids),
      onWrite(written) {
        appendEvents(events, ids, clock.now(), {
          ...written,
          record: shortened(written.record),
          before: written.before && shortened(written.before),
        })
        if (written.object === 'customer' && written.action === 'deleted')
          cancelSubscriptions(store, written.id)
      },
    })
    const credentials = { secretKey: secret('sk_test_') }
    const server = await openServer({
      clock,
      faults,
      rateLimit: new RateLimit(limitPerSecond, limits === 'vendor'),
      behaviour: {
        ...forms,
        handle: (request) => handle(request, store, events, credentials.secretKey),
      },
    })
    return {
      kind: 'stripe',
      credentials,
      clock,
      faults,
      objects: store.objects,
      state: (object) => shortenedRows(store.state(object)),
      put: (object, fields) => store.put(object, fields),
      remove: (object, id) => store.remove(object, id),
      automate: (object, rule) => store.automate(object, rule),
      writes: () => store.writes(),
      fill: (count, fillSeed) => store.fill(count, fillSeed),
      day: (changes, daySeed) => store.day(changes, daySeed),
      ...server,
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

function handle(
  request: Received,
  store: Store,
  events: Table,
  secretKey: string,
): Reply | undefined {
  const { authorization, 'stripe-version': version } = request.headers
  if (authorization === undefined) throw new Refused(error(401, 'You did not provide an API key.'))
  if (authorization !== `Bearer ${secretKey}`)
    throw new Refused(error(401, 'Invalid API Key provided.'))
  if (typeof version !== 'string')
    throw new Refused(error(400, 'This model needs the header Stripe-Version.'), true)
  if (!VERSION.test(version))
    throw new Refused(error(400, `Invalid Stripe API version: ${version}`), true)
  const [, path, id, below, more] =
    /^\/v1\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?(\/.*)?$/.exec(request.path) ?? []
  if (request.method !== 'GET' || path === undefined || more !== undefined) return undefined
  const query = new Query(request.query, (name, problem) =>
    problem === 'unknown'
      ? new Refused(
          error(400, `Received unknown parameter: ${name}`, 'parameter_unknown', name),
          true,
        )
      : new Refused(error(400, `Invalid ${name}`, 'parameter_invalid', name)),
  )
  const resolve: Resolve = (property, reference) =>
    store.table(property).find(reference)?.record ?? null

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

const error = (status: number, message: string, code?: string, param?: string): Reply => ({
  status,
  body: {
    error: {
      ...(code ? { code } : {}),
      message,
      ...(param ? { param } : {}),
      type: status >= 500 ? 'api_error' : 'invalid_request_error',
    },
  },
})

const missing = (status: number, object: string) => (id: string, param: string) =>
  new Refused(error(status, `No such ${object}: '${id}'`, 'resource_missing', param))

const forms: Omit<Behaviour, 'handle'> = {
  notFound: ({ method, path }) => error(404, `Unrecognized request URL (${method}: ${path}).`),
  failure: (status) =>
    status === 429 ? tooMany('rate_limit') : error(status, 'An unknown error occurred'),
  forbidden: () =>
    error(403, 'The provided key does not have the required permissions for this endpoint.'),
  expired: (what, request) =>
    what === 'cursor' && request.query.has('starting_after')
      ? error(400, 'No such object', 'resource_missing', 'starting_after')
      : undefined,
  limited: () => tooMany('rate_limit'),
  headers: () => ({ 'request-id': `req_${secret().slice(0, 14)}` }),
}

/** The vendor sends no Retry-After. */
const tooMany = (code: string): Reply =>
  error(429, 'Request rate limit exceeded. Learn more about rate limits.', code)
