import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { type Received, Refused, type Reply } from '../kit/exchange.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Model, ModelOptions, ModelSystem } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { openServer } from '../kit/server.ts'
import { Store } from '../kit/store.ts'
import { SETS, sapRules, setNamed } from './entities.ts'
import { errorReply, noToken, refused } from './errors.ts'
import { idOf, Service } from './service.ts'

const root = '/sap/opu/odata/sap'
const tokenMs = 1_800_000

/**
 * A system of SAP S/4HANA Cloud with communication arrangements for business partners, products and
 * sales contracts.
 */
export const sap: Model = { kind: 'sap', open }

async function open({ seed = 1 }: ModelOptions = {}): Promise<ModelSystem> {
  const clock = createClock()
  const faults = new PlannedFaults()
  const store = new Store({ clock, faults, rules: sapRules(random('sap', seed)) })
  const [username, password] = ['TOUCHSTONE_COMM', secret()]
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  let url = ''
  const service = new Service(store, () => url + root)
  const sessions = new Sessions(clock)
  const handle = (request: Received): Reply | undefined => {
    if (request.headers.authorization !== basic)
      throw new Refused(errorReply(401, 'SY/530', 'Anmeldung fehlgeschlagen'))
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const name = serviceOf(request)
    if (!isRead && !sessions.accepts(request, name)) throw new Refused(noToken())
    const reply = route(service, request)
    return reply && isRead
      ? { ...reply, headers: { ...sessions.open(request, name), ...reply.headers } }
      : reply
  }
  const server = await openServer({
    clock,
    faults,
    rateLimit: new RateLimit({ windowMs: 1000, max: 100, kind: 'sliding' }, false),
    behaviour: {
      handle,
      notFound: () => errorReply(404, '/IWFND/MED/170', 'No service found'),
      failure: (status) =>
        status === 400
          ? errorReply(400, 'R11/400', 'The business partner is locked by another user')
          : errorReply(status, '/IWFND/CM_MGW/500', 'Internal error'),
      forbidden: () => errorReply(403, '/IWBEP/CM_MGW_RT/403', 'No authorization'),
      // A token of a change expires.
      expired: (what, { method }) =>
        what === 'token' && method !== 'GET' && method !== 'HEAD' ? noToken() : undefined,
      limited: () => errorReply(429, '/IWFND/CM_MGW/429', 'Too many requests'),
    },
  })
  url = server.url
  return modelOf({
    kind: 'sap',
    credentials: { baseUrl: url, username, password },
    clock,
    faults,
    store,
    server,
  })
}

function serviceOf({ path }: Received): string {
  return path.slice(root.length).split('/')[1] ?? ''
}

function route(odata: Service, request: Received): Reply | undefined {
  const [, name, rest = ''] =
    /^\/sap\/opu\/odata\/sap\/(\w+)(.*)$/.exec(decodeURIComponent(request.path)) ?? []
  if (name === undefined || !SETS.some(({ service }) => service === name)) return undefined
  if (rest === '' || rest === '/') {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    return isRead ? { status: 200, body: { d: { EntitySets: [] } } } : undefined
  }
  const [, setName = '', key, navigation] = /^\/(\w+)(?:\(([^)]*)\))?(?:\/(\w+))?$/.exec(rest) ?? []
  const set = setNamed(setName)
  if (set?.service !== name) return undefined
  if (key === undefined) {
    if (navigation !== undefined) return undefined
    if (request.method === 'GET') return odata.list(set, request)
    const creates = request.method === 'POST' && set.service === SETS[0]!.service
    return creates ? odata.create(set, request) : undefined
  }
  const id = idOf(set, key)
  if (id === undefined) throw refused(400, '/IWBEP/CM_MGW_RT/705', 'The key is invalid', true)
  if (navigation !== undefined && request.method === 'POST')
    return set.service === SETS[0]!.service
      ? odata.createOf(set, id, navigation, request)
      : undefined
  if (navigation !== undefined)
    return request.method === 'GET' && set === SETS[0]
      ? odata.listOf(id, navigation, request)
      : undefined
  if (request.method === 'GET') return odata.read(set, id, request)
  if (request.method === 'PATCH') return odata.update(set, id, request)
  return request.method === 'DELETE' ? odata.remove(set, id, request) : undefined
}

/** Tokens against forged requests. A token holds for its service, with the cookie of its session. */
class Sessions {
  readonly #clock: { now(): number }
  readonly #tokens = new Map<string, { token: string; service: string; until: number }>()

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  /** Returns the headers of a new session, if the request fetches a token. */
  open({ headers }: Received, service: string): Record<string, string> {
    if (String(headers['x-csrf-token'] ?? '').toLowerCase() !== 'fetch') return {}
    const [session, token] = [secret(), secret()]
    this.#tokens.set(session, { token, service, until: this.#clock.now() + tokenMs })
    return {
      'x-csrf-token': token,
      'set-cookie': `SAP_SESSIONID_S4H_100=${session}; path=/; HttpOnly`,
    }
  }

  accepts({ headers }: Received, service: string): boolean {
    const [, session = ''] = /SAP_SESSIONID_S4H_100=([\w-]+)/.exec(headers.cookie ?? '') ?? []
    const found = this.#tokens.get(session)
    return (
      found !== undefined &&
      found.service === service &&
      found.until > this.#clock.now() &&
      found.token === headers['x-csrf-token']
    )
  }
}
