import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { KINDS_WITH_MODELS } from './kindCases.ts'
import { openPulled, type PulledOptions, type PulledSystem } from './pulledSystem.ts'
import { type RewritingProxy, startRewritingProxy } from './rewritingProxy.ts'

// What goes wrong between a vendor and us, each case for each kind that has a model of its vendor.

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, census_seen`
})
after(async () => await db?.drop())

const hour = 3_600_000
const day = 24 * hour
const records = 12

/** The objects of each kind that are read; the last one fails by itself, by requests about it. */
const OBJECTS: Readonly<Record<string, { read: readonly string[]; requests: RegExp }>> = {
  chargebee: { read: ['customer', 'contact', 'subscription'], requests: /\/subscriptions/ },
  stripe: { read: ['customer', 'product', 'subscription'], requests: /\/v1\/subscriptions/ },
  zuora: { read: ['Account', 'Contact', 'Invoice'], requests: /\/(object-query\/)?invoices/ },
  gainsight: { read: ['GsUser', 'Company', 'Relationship'], requests: /query\/Relationship/ },
  hubspot: { read: ['companies', 'contacts', 'deals'], requests: /\/deals/ },
  salesforce: {
    read: ['Account', 'Contact', 'Opportunity'],
    requests: /FROM(\+|%20| )Opportunity(\+|%20| )/,
  },
  dataverse: { read: ['accounts', 'contacts', 'opportunities'], requests: /\/opportunities/ },
  finance: {
    read: ['CustomersV3', 'ContactPersons', 'SalesOrderHeadersV2'],
    requests: /\/SalesOrderHeadersV2/,
  },
  oracle: { read: ['accounts', 'contacts', 'opportunities'], requests: /\/opportunities/ },
  netsuite: { read: ['customer', 'contact', 'opportunity'], requests: /Opprtnty/ },
}

/** Kinds whose positions the vendor forgets, by the objects that have such a position. */
const EXPIRING: Readonly<Record<string, readonly string[]>> = {
  stripe: ['customer', 'subscription'],
  dataverse: ['accounts', 'opportunities'],
}

/** Their sign-in names an address that a proxy cannot replace. */
const WITHOUT_PROXY = new Set(['salesforce', 'dataverse', 'finance', 'netsuite'])
/** SuiteQL says that there is no such record; Gainsight has one code for this and a wrong key. */
const WITHOUT_FORBIDDEN: Readonly<Record<string, string>> = {
  netsuite: 'PERMANENT',
  gainsight: 'SIGN_IN',
}
/** Their sign-in has an assertion with our time, which they refuse where it differs too much. */
const REFUSES_OUR_CLOCK = new Set(['salesforce'])

const only = process.env.TOUCHSTONE_KINDS?.split(',')

for (const kind of KINDS_WITH_MODELS) {
  const name = kind.model.kind
  if (only && !only.includes('all') && !only.includes(name)) continue
  const { read, requests } = OBJECTS[name] ?? { read: [], requests: /$^/ }
  const object = { name: read.at(-1) ?? '', requests }

  describe(name, () => {
    const open = async (t: TestContext, options: PulledOptions = {}) => {
      const pulled = await openPulled(db.sql, kind, { objects: read, ...options })
      t.after(() => pulled.close())
      return pulled
    }
    const filled = async (t: TestContext, options: PulledOptions = {}) => {
      const pulled = await open(t, options)
      pulled.system.fill(records, 3)
      await pulled.pull()
      await same(pulled)
      return pulled
    }
    const same = async (pulled: PulledSystem) =>
      assert.deepEqual((await pulled.differences()).slice(0, 6), [])
    const stateOf = async (of: string) => {
      const [row] = await db.sql<{ state: string; code: string | null; verdict: string | null }[]>`
        select state, code, verdict from sync_state where object = ${of}`
      return row && { ...row }
    }
    const liveCount = async () => {
      const [row] = await db.sql<{ count: number }[]>`
        select count(*)::int as count from source_record where not deleted and object = ${object.name}`
      return row?.count ?? 0
    }
    /** Reads once: the object fails with one of the verdicts, all others end, nothing is deleted. */
    const onlyItFails = async (pulled: PulledSystem, verdicts: readonly string[], tries = 1) => {
      const before = await liveCount()
      const results = await pulled.pull(tries)
      const state = await stateOf(object.name)
      assert.equal(state?.state, 'FAILED')
      assert.ok(verdicts.includes(state?.verdict ?? ''), `${state?.verdict} ${state?.code}`)
      for (const [of, { ended }] of results) if (of !== object.name) assert.equal(ended, 'DONE', of)
      assert.ok((await liveCount()) >= before, 'nothing was taken for deleted')
      return state
    }

    test('equal times over several pages', async (t) => {
      const pulled = await open(t)
      const { system } = pulled
      system.fill(40, 2)
      await pulled.pull()
      // A quarter of a day's changes has one time.
      system.day(520, 3)
      await pulled.pull()
      system.clock.advance(hour)
      await pulled.pull()
      // So many deletions that a census asks.
      await db.sql`update sync_state set census_allowed = census_missing where census_missing is not null`
      await pulled.pull()
      await same(pulled)
    })

    test('rows that become visible after the cursor passed them', async (t) => {
      const pulled = await filled(t)
      const { system } = pulled
      system.faults.late(20_000, 4)
      system.day(30, 4)
      await pulled.pull()
      system.clock.advance(60_000)
      await pulled.pull()
      system.clock.advance(hour)
      await pulled.pull()
      assert.ok(system.faults.met().has('late'))
      await same(pulled)
    })

    test('rows that move between the pages of a run', async (t) => {
      const pulled = await filled(t)
      const { system } = pulled
      system.day(150, 5)
      system.faults.add({ kind: 'slow', ms: 25 }, undefined, 60)
      const reading = pulled.pull()
      for (let n = 0; n < 3; n++) {
        await sleep(40)
        system.day(40, 6 + n)
      }
      await reading
      system.faults.clear()
      system.clock.advance(hour)
      await pulled.pull()
      await same(pulled)
    })

    test('a pause of 40 days: an expired position is read as a whole, visibly', async (t) => {
      const pulled = await filled(t)
      const { system } = pulled
      system.day(30, 7)
      system.clock.advance(40 * day)
      await pulled.pull()
      system.clock.advance(hour)
      await pulled.pull()
      await same(pulled)
      const again = await db.sql<{ object: string }[]>`
        select object from sync_run where mode = 'FULL' and state = 'DONE' group by object having count(*) > 1`
      for (const of of EXPIRING[name] ?? [])
        assert.ok(
          again.some((r) => r.object === of),
          `${of} was read as a whole again`,
        )
    })

    test('a permission that is missing for one object', async (t) => {
      const pulled = await filled(t)
      const { system } = pulled
      system.faults.add({ kind: 'forbidden' }, object.requests, Number.POSITIVE_INFINITY)
      system.day(20, 8)
      await onlyItFails(pulled, [WITHOUT_FORBIDDEN[name] ?? 'FORBIDDEN'])
      system.faults.clear()
      system.clock.advance(hour)
      await pulled.pull()
      await same(pulled)
    })

    test('a credential that was revoked, and a new one without a restart', async (t) => {
      const pulled = await filled(t)
      const { system, env } = pulled
      const good = { ...env }
      for (const [variable, secret] of Object.entries(env))
        env[variable] = secret.includes('PRIVATE KEY')
          ? generateKeyPairSync('rsa', { modulusLength: 2048 })
              .privateKey.export({ type: 'pkcs8', format: 'pem' })
              .toString()
          : `${secret}x`
      // The credential in use ends; each kind signs in again then.
      system.faults.add({ kind: 'expired', what: 'token' }, undefined, 1)
      system.clock.advance(2 * hour)
      system.day(20, 9)
      const before = await liveCount()
      const results = await pulled.pull(1)
      const refused = [...results.values()].flatMap((r) =>
        r.ended === 'FAILED' ? [r.problem.verdict] : [],
      )
      assert.ok(refused.length > 0, 'the wrong credential is refused')
      assert.deepEqual(new Set(refused), new Set(['SIGN_IN']))
      assert.equal(await liveCount(), before)
      Object.assign(env, good)
      system.clock.advance(hour)
      await pulled.pull()
      await same(pulled)
    })

    test('an object that never gives valid JSON', async (t) => {
      const pulled = await filled(t)
      const { system } = pulled
      system.faults.add({ kind: 'invalidJson' }, object.requests, Number.POSITIVE_INFINITY)
      system.day(20, 10)
      await onlyItFails(pulled, ['INVALID'])
      system.faults.clear()
      system.clock.advance(hour)
      await pulled.pull()
      await same(pulled)
    })

    test('an object that is out of order for hours', async (t) => {
      const pulled = await filled(t)
      const { system } = pulled
      system.faults.add({ kind: 'status', status: 500 }, object.requests, Number.POSITIVE_INFINITY)
      system.day(20, 11)
      await onlyItFails(pulled, ['RETRY'])
      system.faults.clear()
      system.clock.advance(6 * hour)
      await pulled.pull()
      await same(pulled)
    })

    test('our clock is two hours ahead of the vendor’s', async (t) => {
      const aheadMs = 2 * hour
      if (REFUSES_OUR_CLOCK.has(name)) {
        const pulled = await open(t, { aheadMs })
        pulled.system.fill(records, 3)
        await pulled.pull(1)
        assert.equal((await stateOf(object.name))?.verdict, 'SIGN_IN')
        return
      }
      const pulled = await filled(t, { aheadMs })
      const { system } = pulled
      for (let n = 0; n < 2; n++) {
        system.day(20, 12 + n)
        await pulled.pull()
        // Written after a bound that our clock would set.
        for (const [of, fields] of changesNow(system)) system.put(of, fields)
        await pulled.pull()
        system.clock.advance(hour / 2)
        await pulled.pull()
      }
      system.clock.advance(hour)
      await pulled.pull()
      await same(pulled)
      const ahead = pulled.connection.clockAheadMs()
      assert.ok(Math.abs(ahead - aheadMs) < 5_000, `${ahead} ms`)
    })

    test('a parent that is deleted with its children', async (t) => {
      const pulled = await filled(t)
      const { system } = pulled
      const removed = removeOneOfEach(system)
      assert.ok(removed > 0)
      await pulled.pull()
      system.clock.advance(hour)
      await pulled.pull()
      await same(pulled)
    })

    describe('the vendor changes its responses', { skip: WITHOUT_PROXY.has(name) }, () => {
      let proxy: RewritingProxy
      const behind = async (t: TestContext) =>
        await filled(t, {
          through: async (url) => {
            proxy = await startRewritingProxy(url)
            t.after(() => proxy.close())
            return proxy.url
          },
        })
      const rewriting =
        (change: (row: Record<string, unknown>) => void): RewritingProxy['rewrite'] =>
        (request, body) => {
          if (object.requests.test(request)) eachRow(body, change)
          return body
        }

      test('rows under another name', async (t) => {
        const pulled = await behind(t)
        proxy.rewrite = (request, body) =>
          object.requests.test(request) && body !== null && typeof body === 'object'
            ? { payload: body }
            : body
        pulled.system.day(30, 14)
        await onlyItFails(pulled, ['INVALID'])
        proxy.rewrite = (_, body) => body
        pulled.system.clock.advance(hour)
        await pulled.pull()
        await same(pulled)
      })

      test('rows without fields that were there', async (t) => {
        const pulled = await behind(t)
        proxy.rewrite = rewriting((row) => {
          for (const field of Object.keys(row)) delete row[field]
        })
        // Each run reads everything, so there are rows.
        await db.sql`update sync_state set position = null, rescan_since = now() where object = ${object.name}`
        await onlyItFails(pulled, ['INVALID', 'MISSING'])
        proxy.rewrite = (_, body) => body
        await pulled.pull()
        await same(pulled)
      })

      test('values of other types, and fields that are new', async (t) => {
        const pulled = await behind(t)
        proxy.rewrite = rewriting((row) => {
          row.brandNew = { nested: ['x', 1, null] }
          for (const [field, value] of Object.entries(row))
            if (typeof value === 'boolean') row[field] = { is: value }
        })
        await db.sql`update sync_state set position = null, rescan_since = now()`
        const results = await pulled.pull(1)
        for (const [of, { ended }] of results)
          if (of !== object.name) assert.equal(ended, 'DONE', of)
        // Whatever it means, it is visible: a state or exceptions, never a crash of the pipeline.
        const failures = await db.sql`select 1 from outcome where code = 'NOT_APPLICABLE'`
        assert.equal(failures.length, 0)
      })
    })
  })
}

type System = PulledSystem['system']

/** Changes of live records that repeat their values: the vendor gives them a new time alone. */
function changesNow(system: System): [string, Record<string, unknown>][] {
  const found: [string, Record<string, unknown>][] = []
  for (const of of system.objects)
    for (const fields of CHANGES[system.kind]?.get(of) ?? []) {
      const [id] = [...system.state(of)].find(([, row]) => !row.deleted) ?? []
      if (id !== undefined) found.push([of, { ...fields, [ID_FIELDS[system.kind] ?? 'id']: id }])
    }
  assert.ok(found.length > 0)
  return found
}

const ID_FIELDS: Readonly<Record<string, string>> = {
  salesforce: 'Id',
  gainsight: 'Gsid',
  dataverse: 'accountid',
  oracle: 'PartyId',
}

const CHANGES: Readonly<Record<string, ReadonlyMap<string, Record<string, unknown>[]>>> = {
  chargebee: new Map([['customer', [{ company: 'Later GmbH' }]]]),
  stripe: new Map([['customer', [{ name: 'Later GmbH' }]]]),
  zuora: new Map([['Account', [{ name: 'Later GmbH' }]]]),
  gainsight: new Map([['Company', [{ Name: 'Later GmbH' }]]]),
  hubspot: new Map([['companies', [{ name: 'Later GmbH' }]]]),
  salesforce: new Map([['Account', [{ Name: 'Later GmbH' }]]]),
  dataverse: new Map([['accounts', [{ name: 'Later GmbH' }]]]),
  finance: new Map([['CustomersV3', [{ OrganizationName: 'Later GmbH' }]]]),
  oracle: new Map([['accounts', [{ OrganizationName: 'Later GmbH' }]]]),
  netsuite: new Map([['customer', [{ companyname: 'Later GmbH' }]]]),
}

/** Deletes one record of each object, as far as the vendor permits it; returns how many. */
function removeOneOfEach(system: System): number {
  let removed = 0
  for (const of of system.objects) {
    const [id] = [...system.state(of)].find(([, row]) => !row.deleted) ?? []
    try {
      if (id !== undefined) system.remove(of, id)
      removed++
    } catch (e) {
      assert.match(String(e), /does not delete|is used|has/, `${of}: ${e}`)
    }
  }
  return removed
}

function eachRow(body: unknown, change: (row: Record<string, unknown>) => void): void {
  if (body === null || typeof body !== 'object') return
  for (const value of Object.values(body))
    if (Array.isArray(value))
      for (const row of value)
        if (row !== null && typeof row === 'object' && !Array.isArray(row))
          change(row as Record<string, unknown>)
        else eachRow(row, change)
    else eachRow(value, change)
}
