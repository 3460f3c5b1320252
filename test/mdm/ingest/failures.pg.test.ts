import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Sql } from '../../../mdm/db/database.ts'
import { readExceptions } from '../../../mdm/inbox/exceptions.ts'
import { type ExceptionDesk, retryExceptions } from '../../../mdm/ingest/exceptions.ts'
import { type Applied, applyPending, type Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { DEFAULT_RULES } from '../../../mdm/tasks/rules.ts'
import { isOperational } from '../../../schema/operational.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import type { DirectMessage } from '../../fixtures/directSource.ts'
import { directPipeline, drain, empty, policy, send } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(() => empty(db.sql))
after(async () => await db?.drop())

const attemptsMax = 2
const NONE: Applied = { claimed: 0, applied: 0, skipped: 0, exceptions: 0, postponed: 0 }
const customer = (id: string, name: string, more: object = {}) => ({ type: 'Customer', id, fields: { name, ...more } })
const nordwind = { taxIds: ['DE136695976'], domains: ['nordwind.example'], phones: ['+493012345678'] }

/** A pipeline that keeps what it reports; `log` are errors and `committed` what was counted after each commit. */
function watched(pipeline: Pipeline = directPipeline(db.sql)) {
  const log: string[] = []
  const committed = { ...NONE }
  return {
    log,
    committed,
    pipeline: {
      ...pipeline,
      attemptsMax,
      onError: (error: Error) => void log.push(error.message),
      onCommitted: (applied: Applied) => add(committed, applied),
    } satisfies Pipeline,
  }
}

function add(total: Applied, more: Applied): void {
  for (const k of Object.keys(total) as (keyof Applied)[]) total[k] += more[k]
}

type Sent = Omit<DirectMessage, 'version'> & { source?: string; version?: number }

async function put(...messages: Sent[]): Promise<number[]> {
  const [last] = await db.sql<{ id: number | null }[]>`select max(id) as id from inbox`
  await send(
    db.sql,
    messages.map(({ source = 'crm', version = 1, ...m }) => ({ source, message: { ...m, version } })),
  )
  return (await db.sql<{ id: number }[]>`select id from inbox where id > ${last?.id ?? 0} order by id`).map((r) => r.id)
}

/** Applies what waits until nothing does, without the pauses. Throws after more rounds than there are attempts. */
async function applyAll(pipeline: Pipeline, roundsMax = attemptsMax + 1): Promise<Applied> {
  const total = { ...NONE }
  for (let round = 1; ; round++) {
    const done = await applyPending(pipeline, 100)
    if (done.claimed === 0) return total
    assert.ok(round <= roundsMax, `still failing after ${round} rounds`)
    add(total, done)
    await db.sql`update pending set not_before = '-infinity'`
  }
}

const waiting = async () => (await db.sql`select 1 from pending`).length
const isApplied = async (id: string, type = 'Customer', source = 'crm') =>
  (await db.sql`select 1 from source_record where key = ${recordKey(source, type, id)} and complete`).length === 1

/** The only outcome there is: that message as an exception with this reason. */
async function assertException(id: number, detail: RegExp): Promise<void> {
  const rows = await readExceptions(db.sql, {}, 10, null)
  assert.deepEqual(
    rows.map((r) => [r.inboxId, r.code, r.waiting]),
    [[id, 'NOT_APPLICABLE', false]],
  )
  assert.match(rows[0]?.detail ?? '', detail)
  assert.equal((await db.sql`select 1 from outcome`).length, 1)
  assert.equal(await waiting(), 0)
}

async function retry(id: number): Promise<void> {
  const desk: ExceptionDesk = { sql: db.sql, policy, rules: DEFAULT_RULES, connectors: new Map() }
  const caller = {
    actor: 'ida',
    roles: new Set(['integrator']),
    scopes: new Set<string>(),
    correlationId: crypto.randomUUID(),
  }
  const request = { reason: 'the cause is gone', idempotencyKey: crypto.randomUUID() }
  const done = await retryExceptions(desk, caller, { ids: [id] }, 10, request)
  assert.equal(done.code === 'DONE' && done.messages, 1)
  const [row] = await db.sql`select attempts, not_before <= now() as due from pending`
  assert.deepEqual({ ...row }, { attempts: 0, due: true }, 'all attempts again')
}

describe('wherever a message fails, it becomes an exception and the others are applied', () => {
  /** Operations of the transactions that hold the message, in their order; the chosen one fails. */
  class Saboteur {
    seen: string[] = []
    failAt: string | null = null
    #holds = false
    readonly #inboxId: () => number

    constructor(inboxId: () => number) {
      this.#inboxId = inboxId
    }

    /** One operation: whether it is to fail. */
    #meets(name: string): boolean {
      if (!this.#holds) return false
      const label = `${name} ${this.seen.filter((s) => s.startsWith(`${name} `)).length + 1}`
      this.seen.push(label)
      return label === this.failAt
    }

    /** The methods of an object, the first call of each in a transaction being an operation. */
    methods<T extends object>(name: string, object: T): T {
      return new Proxy(object, {
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key)
          if (typeof value !== 'function') return value
          return (...args: unknown[]) => {
            const label = `${name}.${String(key)}`
            if (!this.seen.includes(`${label} 1`) && this.#meets(label)) throw new Error('sabotage')
            return Reflect.apply(value, target, args)
          }
        },
      })
    }

    sql(sql: Sql): Sql {
      return new Proxy(sql, {
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key)
          if (key !== 'begin' || typeof value !== 'function') return value
          return (options: string, work: (tx: Sql) => unknown) => {
            this.#holds = false
            this.seen = []
            return Reflect.apply(value, target, [options, (tx: Sql) => work(this.#statements(tx))])
          }
        },
      })
    }

    #statements(tx: Sql): Sql {
      const run = (text: string, made: () => Promise<{ inboxId?: number }[]>) => {
        const name = text.replaceAll(/\s+/g, ' ').trim().slice(0, 60)
        if (this.#meets(name)) return tx.unsafe(`do $$ begin raise exception 'sabotage'; end $$`)
        if (!name.startsWith('with taken as ( delete from pending')) return made()
        return made().then((rows) => {
          this.#holds = rows.some((r) => r.inboxId === this.#inboxId())
          return rows
        })
      }
      return new Proxy(tx, {
        apply: (target, self, args: [TemplateStringsArray]) =>
          run(args[0].join('?'), () => Reflect.apply(target as never, self, args)),
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key)
          if (key !== 'unsafe' || typeof value !== 'function') return value
          return (...args: [string]) => run(args[0], () => Reflect.apply(value, target, args))
        },
      })
    }

    pipeline(): Pipeline {
      const own = directPipeline(db.sql)
      const each = <T extends object>(name: string, map: ReadonlyMap<string, T>) =>
        new Map([...map].map(([key, value]) => [key, this.methods(name, value)]))
      return {
        ...own,
        sql: this.sql(db.sql),
        connectors: each('connector', own.connectors),
        engines: each('engine', own.engines),
        // Survivorship is a pure function of the project: it fails where it asks for the source system.
        systems: this.methods('systems', own.systems),
        policy: this.methods('policy', own.policy),
      }
    }
  }

  const seed: Sent[] = [
    { source: 'billing', ...customer('B1', 'Nordwind Logistik GmbH', nordwind) },
    {
      source: 'billing',
      type: 'Contact',
      id: 'P1',
      fields: {
        name: 'Anna Weber',
        emails: ['anna@nordwind.example'],
        customer: recordKey('billing', 'Customer', 'B1'),
      },
    },
  ]
  const scenarios: Record<string, Sent> = {
    'a record that is merged, and named by another': customer('C1', 'Nordwind Logistik', nordwind),
    'a record that names another': {
      type: 'Contact',
      id: 'C1',
      fields: {
        name: 'Anna Weber',
        emails: ['anna@nordwind.example'],
        customer: recordKey('billing', 'Customer', 'B1'),
      },
    },
    'an operational object': { type: 'Invoice', id: 'C1', fields: { number: 'R-1', status: 'open' } },
    'a deletion': { source: 'billing', type: 'Customer', id: 'B1', version: 2, deleted: true, fields: {} },
  }
  const covered = new Set<string>()

  for (const [name, poison] of Object.entries(scenarios))
    test(name, async (t) => {
      let id = 0
      // Of a kind with it, so that they take the same way.
      const good: Sent[] = isOperational(poison.type)
        ? ['G1', 'G2'].map((g) => ({ ...poison, id: g }))
        : [customer('G1', 'Alpha Bau AG'), customer('G2', 'Beta Reisen SE')]
      const run = async (failAt: string | null, others: boolean) => {
        await empty(db.sql)
        await put(...seed)
        await drain(directPipeline(db.sql))
        const saboteur = new Saboteur(() => id)
        saboteur.failAt = failAt
        id = (await put(poison, ...(others ? good : [])))[0] ?? 0
        return { saboteur, ...watched(saboteur.pipeline()) }
      }
      const healthy = await run(null, false)
      assert.deepEqual(await applyPending(healthy.pipeline, 100), { ...NONE, claimed: 1, applied: 1 })
      const steps = healthy.saboteur.seen.filter((s) => !covered.has(s))
      for (const step of steps) covered.add(step)
      t.diagnostic(`${steps.length} steps`)
      for (const step of steps) {
        const { pipeline, committed, log } = await run(step, true)
        const total = await applyAll(pipeline)
        const wanted = { claimed: attemptsMax + 2, applied: 2, skipped: 0, exceptions: 1, postponed: attemptsMax - 1 }
        assert.deepEqual([step, total], [step, wanted])
        assert.deepEqual([step, committed], [step, wanted])
        assert.equal(log.length, attemptsMax)
        await assertException(id, /^[a-z]+[^:]*: sabotage$/)
        for (const g of good) assert.ok(await isApplied(g.id, g.type), step)
        await retry(id)
        await drain(directPipeline(db.sql))
        assert.deepEqual([await waiting(), (await db.sql`select 1 from outcome`).length], [0, 0], step)
        assert.equal((await db.sql`select 1 from source_record where inbox_id = ${id}`).length, 1, step)
      }
    })

  test('nothing that the pipeline does was left out', () => {
    const names = [...covered].join('\n')
    for (const part of ['connector.read', 'connector.map', 'engine.standardise', 'engine.keys', 'engine.link'])
      assert.ok(names.includes(part), part)
    for (const part of ['engine.cluster', 'systems.get', 'update feed_head', 'insert into source_record'])
      assert.ok(names.includes(part), part)
  })
})
