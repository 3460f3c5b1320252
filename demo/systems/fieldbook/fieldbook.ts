import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Model, ModelOptions, ModelSystem } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { openServer } from '../kit/server.ts'
import { Store } from '../kit/store.ts'
import { UniqueValues } from '../kit/uniqueValues.ts'
import type { Written } from '../kit/writes.ts'
import { Access, type Scope } from './access.ts'
import { handle, idempotency } from './api.ts'
import { cursorExpired, failure, limited, noScope, notFound, tokenExpired } from './errors.ts'
import { leaveOrganization, Merges } from './merges.ts'
import { recordTypeOf, recordTypes } from './objects.ts'
import { Pages } from './pages.ts'
import { fieldbookRules } from './records.ts'
import { zone } from './time.ts'
import { Webhooks } from './webhooks.ts'

export interface FieldbookSystem extends ModelSystem {
  /** Merges two organizations as a user does. */
  merge(loser: string, winner: string): void
  /** Changes the scopes of the token. */
  setScopes(scopes: readonly Scope[]): void
  /** Returns a new token; the old one is expired from now on. */
  replaceToken(): string
  webhooks: Webhooks
}

const minuteMs = 60_000
const perMinute = { windowMs: minuteMs, max: 120, kind: 'fixed' } as const

export const fieldbook = { kind: 'fieldbook', open } satisfies Model

async function open({ seed = 1, limits = 'vendor' }: ModelOptions = {}): Promise<FieldbookSystem> {
  const clock = createClock()
  const faults = new PlannedFaults()
  const ids = random('fieldbook', seed)
  const accountZone = zone('Europe/Berlin')
  const access = new Access('nordwind')
  const webhooks = new Webhooks(clock, accountZone, random('fieldbook events', seed))
  const merges = new Merges()
  const store: Store = new Store({
    clock,
    faults,
    rules: fieldbookRules({
      zone: accountZone,
      ids,
      exists: (object, id) => store.table(object).get(id)?.deleted === false,
      mergedInto: (id) => merges.winnerOf(id),
    }),
    actions: [merges.action],
    unique: new UniqueValues(
      new Map(recordTypes.map(({ name }) => [name, ['external_id']])),
      (record) => record.external_id,
    ),
    onWrite(written) {
      announce(written, webhooks)
      const { object, id, action } = written
      if (object === 'organizations' && action === 'deleted') leaveOrganization(store, id)
    },
  })
  const rateLimit = new RateLimit(perMinute, limits === 'vendor')
  const pages = new Pages(clock)
  const server = await openServer({
    clock,
    faults,
    rateLimit,
    behaviour: {
      handle: (request) => handle(request, { store, access, pages }),
      notFound: () => notFound,
      failure,
      forbidden: () => noScope,
      expired(what, { query, headers }) {
        if (what === 'token') return headers.authorization === undefined ? undefined : tokenExpired
        return query.has('page[after]') ? cursorExpired : undefined
      },
      limited,
      headers: () => ({
        'x-limit-remaining': String(rateLimit.left),
        'x-limit-reset-in': String(Math.ceil((minuteMs - (clock.now() % minuteMs)) / 1000)),
      }),
      idempotency: idempotency(access),
    },
  })
  const credentials = {
    ...{ token: access.token, account: access.account },
    webhookSecret: webhooks.secret,
  }
  return {
    ...modelOf({ kind: 'fieldbook', credentials, clock, faults, store, server }),
    merge: (loser, winner) => merges.merge(store, loser, winner),
    setScopes: (scopes) => access.setScopes(scopes),
    replaceToken: () => access.replaceToken(),
    webhooks,
  }
}

function announce({ object, id, action, record }: Written, webhooks: Webhooks): void {
  const isMerged = action === 'deleted' && record.merged_into !== undefined
  webhooks.add(recordTypeOf.get(object)!.singular, id, isMerged ? 'merged' : action)
}
