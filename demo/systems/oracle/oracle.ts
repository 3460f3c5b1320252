import { timingSafeEqual } from 'node:crypto'
import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Model, ModelOptions, ModelSystem } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { openServer, type Received, Refused, type Reply } from '../kit/server.ts'
import { Store } from '../kit/store.ts'
import { UniqueValues } from '../kit/uniqueValues.ts'
import { errorReply, notFound, unauthorized } from './errors.ts'
import { ResourceApi } from './resourceApi.ts'
import { findResource } from './resources.ts'
import { API_USER, mergeAccounts, oracleRules } from './rules.ts'
import { WriteApi } from './writeApi.ts'

/** A pod of Oracle Fusion with CX and ERP. Oracle publishes no limit of requests. */
export const oracle: Model = { kind: 'oracle', open }

async function open({ seed = 1 }: ModelOptions = {}): Promise<ModelSystem> {
  const clock = createClock()
  const faults = new PlannedFaults()
  const rules = oracleRules(random('oracle', seed))
  const actions = [{ weight: 1, run: mergeAccounts }]
  const references = new UniqueValues(
    new Map(['accounts', 'contacts'].map((name) => [name, ['SourceSystemReferenceValue']])),
    ({ SourceSystem, SourceSystemReferenceValue: value }) =>
      SourceSystem && value ? `${SourceSystem} ${value}` : undefined,
  )
  const store = new Store({ clock, faults, rules, actions, unique: references })
  const username = API_USER
  const password = secret()
  const expected = Buffer.from(`Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`)
  let url = ''
  const api = new ResourceApi(store, () => url)
  const writes = new WriteApi(store, references, api)
  const handle = (request: Received): Reply | undefined => {
    const sent = Buffer.from(request.headers.authorization ?? '')
    if (sent.length !== expected.length || !timingSafeEqual(sent, expected))
      throw new Refused(unauthorized())
    const path =
      /^\/(\w+)\/resources\/(?:11\.13\.18\.05|latest)\/(\w+)(?:\/([^/]+))?(\/child\/\w+)?$/
    const [, application = '', name = '', key, child] = path.exec(request.path) ?? []
    const resource = findResource(application, name)
    if (!resource) return undefined
    if (child !== undefined)
      return child === '/child/SourceSystemReference' &&
        request.method === 'POST' &&
        resource.pathKey === 'PartyNumber'
        ? writes.addReference(resource, decodeURIComponent(key!), request)
        : undefined
    if (request.method !== 'GET')
      return writes.handle(resource, key && decodeURIComponent(key), request)
    return key === undefined
      ? api.list(resource, request)
      : api.read(resource, decodeURIComponent(key), request)
  }
  const server = await openServer({
    clock,
    faults,
    rateLimit: new RateLimit({ windowMs: 1000, max: 1, kind: 'sliding' }, false),
    behaviour: {
      handle,
      notFound,
      failure: (status) => errorReply(status, 'Error', 'The service failed.'),
      forbidden: () => errorReply(403, 'Forbidden', 'The user has no privilege for the resource.'),
      expired: (what) => (what === 'token' ? unauthorized() : undefined),
      limited: () => errorReply(503, 'Service Unavailable', 'The service is too busy.'),
    },
  })
  url = server.url
  return modelOf({
    kind: 'oracle',
    credentials: { baseUrl: url, username, password },
    clock,
    faults,
    store,
    server,
  })
}
