import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Connector, MessageError } from '../../../connectors/contract.ts'
import { openDatabase, type Sql } from '../../../mdm/db/database.ts'
import { readExceptions } from '../../../mdm/inbox/exceptions.ts'
import { acceptCorrection, closeExceptions, requeue } from '../../../mdm/inbox/requeue.ts'
import { type ExceptionDesk, retryExceptions } from '../../../mdm/ingest/exceptions.ts'
import { type Applied, applyPending, type Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { DEFAULT_RULES } from '../../../mdm/tasks/rules.ts'
import { isOperational } from '../../../schema/operational.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { type DirectMessage, directSource } from '../../fixtures/directSource.ts'
import { directPipeline, drain, empty, policy, send } from '../../fixtures/store.ts'
import { isMine } from '../../property.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(() => empty(db.sql))
after(async () => await db?.drop())

const attemptsMax = 2
const NONE: Applied = { claimed: 0, applied: 0, skipped: 0, exceptions: 0, postponed: 0 }
const customer = (id: string, name: string, more: object = {}) => ({
  type: 'Customer',
  id,
  fields: { name, ...more },
})
const nordwind = {
  taxIds: ['DE136695976'],
  domains: ['nordwind.example'],
  phones: ['+493012345678'],
}

/**
 * Returns a pipeline that records its reports: `log` has the errors, `committed` the counts after
 * each commit.
 */
function recordingPipeline(pipeline: Pipeline = directPipeline(db.sql)) {
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
    messages.map(({ source = 'crm', version = 1, ...m }) => ({
      source,
      message: { ...m, version },
    })),
  )
  return (
    await db.sql<{ id: number }[]>`select id from inbox where id > ${last?.id ?? 0} order by id`
  ).map((r) => r.id)
}

/**
 * Applies pending messages until none is left, without the backoff. Throws if this takes more
 * rounds than there are attempts.
 */
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
  (
    await db.sql`select 1 from source_record where key = ${recordKey(source, type, id)} and complete`
  ).length === 1

/**
 * Asserts that this message is an exception with this reason, the only failure, and that the queue
 * is empty.
 */
async function assertException(id: number, detail: RegExp): Promise<void> {
  const rows = await readExceptions(db.sql, { codes: ['NOT_APPLICABLE'] }, 10)
  assert.deepEqual(
    rows.map((r) => [r.inboxId, r.waiting]),
    [[id, false]],
  )
  assert.match(rows[0]?.detail ?? '', detail)
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

test('wherever a message fails, it becomes an exception and the others are applied', async (t) => {
  /**
   * Records the operations of the transactions that hold the message, in order, and makes the
   * chosen one fail.
   */
  class Saboteur {
    seen: string[] = []
    failAt: string | null = null
    #claims = false
    #holds = false
    readonly #inboxId: () => number

    constructor(inboxId: () => number) {
      this.#inboxId = inboxId
    }

    /** Records an operation. Returns true if it is to fail. */
    #meets(name: string): boolean {
      if (!this.#holds) return false
      const label = `${name} ${this.seen.filter((s) => s.startsWith(`${name} `)).length + 1}`
      this.seen.push(label)
      return label === this.failAt
    }

    /** Wraps the methods of an object. The first call of each in a transaction is an operation. */
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
            this.#claims = true
            this.seen = []
            return Reflect.apply(value, target, [options, (tx: Sql) => work(this.#statements(tx))])
          }
        },
      })
    }

    #statements(tx: Sql): Sql {
      const run = (text: string, made: () => Promise<{ inboxId?: number }[]>) => {
        const name = text.replaceAll(/\s+/g, ' ').trim().slice(0, 60)
        // A fragment is part of another statement and does not run by itself.
        if (!/^(select|insert|update|delete|with|set|lock|do)\b/i.test(name)) return made()
        if (this.#meets(name)) return tx.unsafe(`do $$ begin raise exception 'sabotage'; end $$`)
        // A transaction begins with its claim. One that sets the message aside claims it later.
        const claims = this.#claims && name.startsWith('with taken as ( delete from pending')
        this.#claims = claims
        if (!claims) return made()
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
        // Survivorship is a pure function, so it is made to fail where it looks up the source
        // system.
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
    { source: 'billing', type: 'Customer', id: 'B2', fields: {} },
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
    'an operational object': {
      type: 'Invoice',
      id: 'C1',
      fields: { number: 'R-1', status: 'open' },
    },
    'a deletion': {
      source: 'billing',
      type: 'Customer',
      id: 'B1',
      version: 2,
      deleted: true,
      fields: {},
    },
    'a record that lacks a required field': { type: 'Customer', id: 'C1', fields: {} },
    'what a record waits for': {
      source: 'billing',
      ...customer('B2', 'Casa Lupo S.r.l.'),
      version: 2,
    },
  }
  const covered = new Set<string>()
  const outcomes = async () =>
    (await db.sql<{ code: string }[]>`select code from outcome`).map((o) => o.code)

  for (const [name, poison] of Object.entries(scenarios))
    await t.test(name, async (t) => {
      let id = 0
      // Other messages of the kind of the failing one, so that they take the same path.
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
        return { saboteur, ...recordingPipeline(saboteur.pipeline()) }
      }
      const healthy = await run(null, false)
      const { exceptions } = await applyPending(healthy.pipeline, 100)
      assert.deepEqual(
        { ...healthy.committed },
        { ...NONE, claimed: 1, applied: 1 - exceptions, exceptions },
      )
      const usual = await outcomes()
      const steps = healthy.saboteur.seen.filter((s) => !covered.has(s))
      for (const step of steps) covered.add(step)
      t.diagnostic(`${steps.length} steps`)
      for (const step of steps.filter((_, n) => isMine(n))) {
        const { pipeline, committed, log } = await run(step, true)
        const total = await applyAll(pipeline)
        const wanted = {
          claimed: attemptsMax + 2,
          applied: 2,
          skipped: 0,
          exceptions: 1,
          postponed: attemptsMax - 1,
        }
        assert.deepEqual([step, total], [step, wanted])
        assert.deepEqual([step, committed], [step, wanted])
        assert.equal(log.length, attemptsMax)
        await assertException(id, /^[a-z]+[^:]*: sabotage$/)
        for (const g of good) assert.ok(await isApplied(g.id, g.type), step)
        await retry(id)
        await applyAll(directPipeline(db.sql))
        assert.deepEqual([await waiting(), await outcomes()], [0, usual], step)
        assert.equal(
          (await db.sql`select 1 from source_record where inbox_id = ${id}`).length,
          1,
          step,
        )
      }
    })

  await t.test('the scenarios cover every operation of the pipeline', () => {
    const names = [...covered].join('\n')
    const parts = [
      'connector.read',
      'connector.map',
      'engine.standardise',
      'engine.keys',
      'engine.link',
      'systems.get',
    ]
    const tables = [
      'insert into source_record',
      'insert into outcome',
      'delete from outcome',
      'update feed_head',
    ]
    for (const part of [...parts, 'engine.cluster', ...tables])
      assert.ok(names.includes(part), part)
  })
})

/** Returns a pipeline whose connector behaves differently for the record BAD. */
function misbehavingPipeline(
  bad: { read?: () => never; map?: () => never },
  pipeline = directPipeline(db.sql),
): Pipeline {
  const connectors = new Map(
    [...pipeline.connectors].map(([name, own]) => [
      name,
      {
        read: (format: 'event' | 'row', body: string, object: string | null) =>
          bad.read && body.includes('"BAD"') ? bad.read() : own.read(format, body, object),
        map: (object: string, raw: Record<string, unknown>) =>
          bad.map && raw.name === 'Bad' ? bad.map() : own.map(object, raw),
      },
    ]),
  )
  return { ...pipeline, connectors }
}
const bad = customer('BAD', 'Bad')
const fail = (error: unknown) => () => {
  throw error
}

describe('the reason of an exception is stored, whatever is thrown', () => {
  const thrown: [string, unknown, RegExp][] = [
    ['a text', 'just a text', /^reading: just a text$/],
    ['nothing', undefined, /^reading: undefined$/],
    ['an object with a message', { message: 'plain' }, /^reading: plain$/],
    ['an object without any text', Object.create(null), /^reading: .*no text$/],
    ['a symbol', Symbol('mark'), /^reading: Symbol\(mark\)$/],
    ['an error without a message', new TypeError(), /^reading: TypeError$/],
    ['several errors in one, or none', new AggregateError([]), /^reading: AggregateError$/],
    ['NUL and a lone surrogate', new Error('a\0b\ud800c'), /^reading: a\ufffdb\ufffdc$/],
    ['a very long text', new Error('x'.repeat(3_000_000)), /^reading: x{1991}$/],
    [
      'an error like a lost connection',
      Object.assign(new Error('no'), { code: 'ECONNREFUSED' }),
      /: no$/,
    ],
    ['an error like a full disk', Object.assign(new Error('no'), { code: '53100' }), /: no$/],
  ]
  for (const [name, error, detail] of thrown)
    test(name, async () => {
      const { pipeline, log } = recordingPipeline(misbehavingPipeline({ read: fail(error) }))
      const [, id = 0] = await put(customer('G1', 'Alpha Bau AG'), bad)
      const total = await applyAll(pipeline)
      assert.deepEqual([total.applied, total.exceptions, total.postponed], [1, 1, attemptsMax - 1])
      await assertException(id, detail)
      assert.equal(log.length, attemptsMax)
    })

  test('a message that a connector refuses is an exception at once, whatever its reason contains', async () => {
    const refusal = new MessageError('ODD', 'a\0b\ud800', {
      object: 'o\0'.repeat(3_000),
      sourceId: 's\0',
      field: '\0',
    })
    const { pipeline } = recordingPipeline(misbehavingPipeline({ read: fail(refusal) }))
    const [id] = await put(bad)
    assert.equal((await applyAll(pipeline)).exceptions, 1)
    const [row] = await readExceptions(db.sql, {}, 10)
    assert.deepEqual(
      [row?.inboxId, row?.code, row?.detail, row?.object?.length, row?.sourceId, row?.field],
      [id, 'ODD', 'a\ufffdb\ufffd', 200, 's\ufffd', '\ufffd'],
    )
  })

  test('endless recursion becomes an exception when the stack overflows', async () => {
    const deeper = (): never => deeper()
    const { pipeline } = recordingPipeline(misbehavingPipeline({ map: deeper }))
    const [id = 0] = await put(bad)
    assert.equal((await applyAll(pipeline)).exceptions, 1)
    await assertException(id, /^mapping: Maximum call stack/)
  })
})

describe('an error of Postgres becomes an exception', () => {
  const random = () => Array.from({ length: 400 }, () => crypto.randomUUID()).join('')
  const refused: [string, Sent, RegExp][] = [
    ['NUL in an id', { ...bad, id: 'BAD\0' }, /: invalid byte sequence/],
    [
      'a value that is too large for an index',
      customer('BAD', random()),
      /: index row (size|requires)/,
    ],
    [
      'an amount out of range',
      { type: 'Invoice', id: 'BAD', fields: { total: 1e25 } },
      /: .* bigint/,
    ],
    [
      'an invalid date',
      { type: 'Invoice', id: 'BAD', fields: { issueDate: 'soon' } },
      /: invalid input syntax/,
    ],
  ]
  for (const [name, message, detail] of refused)
    test(name, async () => {
      const { pipeline, committed } = recordingPipeline()
      const [, id = 0] = await put(
        customer('G1', 'Alpha Bau AG'),
        message,
        customer('G2', 'Beta Reisen SE'),
      )
      const total = await applyAll(pipeline)
      assert.deepEqual([total.applied, total.exceptions, total.postponed], [2, 1, attemptsMax - 1])
      assert.deepEqual(committed, total)
      await assertException(id, detail)
    })
})

/** Installs a trigger that runs when the record BAD is written to a table; `undo` removes it. */
async function trigger(
  table: string,
  work: string,
  kind: 'AT_ONCE' | 'AT_COMMIT' = 'AT_ONCE',
): Promise<() => Promise<void>> {
  const bads = `exists (select from jsonb_each_text(to_jsonb(new)) where value in ('BAD', 'Bad', (select max(inbox_id)::text from spoilt)))`
  await db.sql.unsafe(`
    create table if not exists spoilt (inbox_id bigint);
    create or replace function spoil() returns trigger language plpgsql as $$
      begin if ${bads} then ${work} end if; return new; end $$;
    ${kind === 'AT_COMMIT' ? 'create constraint trigger spoil after insert or update' : 'create trigger spoil before insert or update'}
      on ${table} ${kind === 'AT_COMMIT' ? 'deferrable initially deferred' : ''} for each row execute function spoil();`)
  return async () => {
    await db.sql.unsafe('drop function if exists spoil() cascade; drop table if exists spoilt')
  }
}
const raise = (text: string, code: string, more = '') =>
  `raise exception '${text}' using errcode = '${code}'${more};`

describe('errors of the database', () => {
  const errors: [string, () => Promise<() => Promise<void>>, RegExp][] = [
    [
      'when the transaction commits',
      () => trigger('source_record', raise('late', '23503'), 'AT_COMMIT'),
      /^committing: late$/,
    ],
    [
      'a statement that ran too long',
      () => trigger('source_record', raise('slow', '57014')),
      /^saving: slow$/,
    ],
    [
      'a lock table that one message fills',
      () =>
        trigger(
          'source_record',
          raise('full', '53200', `, hint = 'Increase "max_locks_per_transaction".'`),
        ),
      /^saving: full$/,
    ],
    [
      'a repeated deadlock',
      () => trigger('source_record', raise('circle', '40P01')),
      /^saving: circle$/,
    ],
  ]
  for (const [name, begin, detail] of errors)
    test(`${name}: an exception, and applied when the cause is gone`, async () => {
      const undo = await begin()
      try {
        const { pipeline, committed } = recordingPipeline()
        const [, id = 0] = await put(customer('G1', 'Alpha Bau AG'), bad)
        const total = await applyAll(pipeline)
        assert.deepEqual(
          [total.applied, total.exceptions, total.postponed],
          [1, 1, attemptsMax - 1],
        )
        assert.deepEqual(committed, total)
        await assertException(id, detail)
        await undo()
        await retry(id)
        await drain(directPipeline(db.sql))
        assert.ok(await isApplied('BAD'))
      } finally {
        await undo()
      }
    })

  test('an outage of the database is thrown and postpones nothing; earlier commits count', async () => {
    const undo = await trigger('source_record', 'perform pg_terminate_backend(pg_backend_pid());')
    try {
      const own = directSource(policy)
      let whole = true
      const map: Connector['map'] = (object, raw) => {
        if (!whole) return own.map(object, raw)
        whole = false
        throw new Error('the batch is split')
      }
      const connectors = new Map([['crm', { read: own.read, map }]])
      const { pipeline, committed, log } = recordingPipeline({
        ...directPipeline(db.sql),
        connectors,
      })
      await put(customer('G1', 'Alpha Bau AG'), bad)
      await assert.rejects(applyPending(pipeline, 10))
      assert.deepEqual(committed, { ...NONE, claimed: 1, applied: 1 })
      assert.deepEqual(log, [])
      assert.deepEqual(
        [...(await db.sql`select attempts, not_before <= now() as due from pending`)],
        [{ attempts: 0, due: true }],
      )
    } finally {
      await undo()
    }
    await drain(directPipeline(db.sql))
    assert.deepEqual([await isApplied('G1'), await isApplied('BAD')], [true, true])
  })

  for (const [name, work] of [
    ['ends its connection', 'perform pg_terminate_backend(pg_backend_pid());'],
    ['needs more memory than there is', raise('out of memory', '53200')],
    ['crashes its process', raise('crash', '57P02')],
  ] as const)
    test(`a message that ${name} each time becomes an exception, and the others are applied`, async () => {
      const undo = await trigger('source_record', work)
      try {
        const { pipeline } = recordingPipeline()
        const [, id = 0] = await put(
          customer('G1', 'Alpha Bau AG'),
          bad,
          customer('G2', 'Beta Reisen SE'),
        )
        let thrown = 0
        while ((await waiting()) > 0 && thrown < 20) {
          await applyPending(pipeline, 100).catch(() => thrown++)
          await db.sql`update pending set not_before = '-infinity'`
        }
        await assertException(id, /./)
        assert.deepEqual([await isApplied('G1'), await isApplied('G2')], [true, true])
      } finally {
        await undo()
      }
    })

  test('a message whose exception cannot be stored waits, blocks no other, and becomes an exception later', async () => {
    const { pipeline, committed, log } = recordingPipeline(
      misbehavingPipeline({ map: fail(new Error('broken')) }),
    )
    const [id = 0] = await put(bad, customer('G1', 'Alpha Bau AG'))
    const undo = await trigger('outcome', raise('no outcomes today', 'P0001'))
    await db.sql`insert into spoilt values (${id})`
    try {
      for (let n = 0; n < attemptsMax + 2; n++) {
        await applyPending(pipeline, 10)
        // The pause may be over by the time a busy machine looks.
        const [row] = await db.sql`
          select attempts, not_before > '-infinity' as pause from pending`
        assert.deepEqual({ ...row }, { attempts: n + 1, pause: true })
        await db.sql`update pending set not_before = '-infinity'`
      }
      assert.ok(await isApplied('G1'))
      assert.deepEqual(
        [committed.applied, committed.exceptions, committed.postponed],
        [1, 0, attemptsMax + 2],
      )
      assert.ok(log.includes('mapping: broken') && log.includes('no outcomes today'))
    } finally {
      await undo()
    }
    await applyPending(pipeline, 10)
    await assertException(id, /^mapping: broken$/)
    assert.equal(committed.exceptions, 1)
  })
})

describe('several workers, and restarts', () => {
  test('two workers at once: each message becomes one exception, and the counts add up to the rows', async () => {
    const messages = Array.from({ length: 40 }, (_, n) =>
      n % 4 === 0 ? { ...bad, id: `BAD ${n}` } : customer(`G${n}`, `Alpha ${n} Bau AG`),
    )
    await put(...messages)
    const workers = [0, 1].map((worker) => {
      const own = recordingPipeline(misbehavingPipeline({ map: fail(new Error('broken')) }))
      return { ...own, pipeline: { ...own.pipeline, share: { worker, workers: 2 } } }
    })
    const deadline = performance.now() + 60_000
    await Promise.all(
      workers.map(async ({ pipeline }) => {
        while ((await waiting()) > 0) {
          assert.ok(performance.now() < deadline, 'messages still wait')
          await applyPending(pipeline, 7)
          await db.sql`update pending set not_before = '-infinity' where inbox_id in (select inbox_id from pending for update skip locked)`
        }
      }),
    )
    const total = { ...NONE }
    for (const { committed } of workers) add(total, committed)
    const rows = await readExceptions(db.sql, {}, 100)
    assert.deepEqual([total.exceptions, rows.length], [10, 10])
    assert.deepEqual([total.applied, (await db.sql`select 1 from source_record`).length], [30, 30])
  })

  /**
   * Returns a pipeline that runs `meanwhile` before its second transaction, which sets the message
   * aside.
   */
  function interruptedPipeline(pipeline: Pipeline, meanwhile: () => Promise<unknown>): Pipeline {
    let begun = 0
    const sql = new Proxy(pipeline.sql, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (key !== 'begin' || typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          if (++begun === 2) await meanwhile()
          return await Reflect.apply(value, target, args)
        }
      },
    })
    return { ...pipeline, sql }
  }

  test('a message that another worker holds at that moment is left to it and not counted', async () => {
    const { pipeline, committed } = recordingPipeline(
      misbehavingPipeline({ map: fail(new Error('broken')) }),
    )
    await put(bad)
    let release = () => {}
    let holding: Promise<unknown> = Promise.resolve()
    const held = () =>
      new Promise<void>((locked) => {
        holding = db.sql.begin(async (tx) => {
          await tx`select 1 from pending for update`
          locked()
          await new Promise<void>((resolve) => {
            release = resolve
          })
        })
      })
    assert.deepEqual(
      await applyPending(interruptedPipeline({ ...pipeline, attemptsMax: 1 }, held), 10),
      NONE,
    )
    release()
    await holding
    assert.deepEqual(committed, NONE)
    assert.deepEqual([...(await db.sql`select attempts from pending`)], [{ attempts: 0 }])
  })

  const meanwhile: [string, () => Promise<unknown>][] = [
    ['has applied', () => drain(directPipeline(db.sql))],
    ['has removed', () => db.sql.begin((tx) => [tx`delete from pending`, tx`delete from inbox`])],
  ]
  for (const [what, work] of meanwhile)
    test(`a message that another process ${what} is not counted`, async () => {
      const { pipeline, committed } = recordingPipeline(
        misbehavingPipeline({ map: fail(new Error('broken')) }),
      )
      await put(bad)
      assert.deepEqual(
        await applyPending(interruptedPipeline({ ...pipeline, attemptsMax: 1 }, work), 10),
        NONE,
      )
      assert.deepEqual(committed, NONE)
      assert.deepEqual([await waiting(), (await db.sql`select 1 from outcome`).length], [0, 0])
    })

  test('a place in the queue whose message is gone ends when it is claimed', async () => {
    await put(bad)
    await db.sql`delete from inbox`
    assert.deepEqual(await applyPending(directPipeline(db.sql), 10), NONE)
    assert.equal(await waiting(), 0)
  })

  test('attempts survive a restart: each runs in its own process', async () => {
    const [id = 0] = await put(bad)
    for (let n = 1; n <= attemptsMax; n++) {
      const sql = openDatabase(db.url, { connectionsMax: 2, name: 'touchstone-test-restart' })
      const { pipeline } = recordingPipeline(
        misbehavingPipeline({ map: fail(new Error('broken')) }, directPipeline(sql)),
      )
      const done = await applyPending({ ...pipeline, sql }, 10)
      assert.deepEqual([done.postponed, done.exceptions], n < attemptsMax ? [1, 0] : [0, 1])
      await sql.end()
      await db.sql`update pending set not_before = '-infinity'`
    }
    await assertException(id, /^mapping: broken$/)
  })
})

describe('messages of other kinds', () => {
  test('a replay that fails is an exception, though the message was applied before; a retry settles it', async () => {
    const [id = 0] = await put(bad)
    await drain(directPipeline(db.sql))
    await db.sql.begin((tx) => requeue(tx, [id]))
    const { pipeline } = recordingPipeline(misbehavingPipeline({ map: fail(new Error('broken')) }))
    assert.equal((await applyAll(pipeline)).exceptions, 1)
    await assertException(id, /^mapping: broken$/)
    // A retry that still fails uses all attempts again and leaves one exception as before.
    await retry(id)
    const again = await applyAll(pipeline)
    assert.deepEqual([again.postponed, again.exceptions], [attemptsMax - 1, 1])
    await assertException(id, /^mapping: broken$/)
    await retry(id)
    await drain(directPipeline(db.sql))
    assert.equal((await readExceptions(db.sql, {}, 10)).length, 0)
  })

  test('a correction that fails is a separate exception', async () => {
    const { pipeline } = recordingPipeline(misbehavingPipeline({ map: fail(new Error('broken')) }))
    const [id = 0] = await put(bad)
    await applyAll(pipeline)
    const [message] = await db.sql<
      { body: string; c: string }[]
    >`select body, correlation_id as c from inbox`
    const correction = await db.sql.begin(async (tx) => {
      await closeExceptions(tx, [id], 'CORRECTED')
      const [body, correlationId] = [message?.body ?? '', message?.c ?? '']
      return await acceptCorrection(tx, {
        corrects: id,
        messageId: 'correction',
        object: null,
        body,
        correlationId,
      })
    })
    await applyAll(pipeline)
    const rows = await readExceptions(db.sql, {}, 10)
    assert.deepEqual(
      rows.map((r) => [r.inboxId, r.corrects, r.code, r.detail]),
      [[correction, id, 'NOT_APPLICABLE', 'mapping: broken']],
    )
    await retry(correction ?? 0)
    await drain(directPipeline(db.sql))
    assert.ok(await isApplied('BAD'))
  })

  test('a message of a source that is no longer configured is an exception at once', async () => {
    const [, id] = await put(customer('G1', 'Alpha Bau AG'), { ...bad, source: 'gone' })
    const { pipeline, log } = recordingPipeline()
    assert.deepEqual(await applyAll(pipeline), { ...NONE, claimed: 2, applied: 1, exceptions: 1 })
    const rows = await readExceptions(db.sql, {}, 10)
    assert.deepEqual(
      rows.map((r) => [r.inboxId, r.code]),
      [[id, 'UNKNOWN_SOURCE']],
    )
    assert.deepEqual(log, [])
  })

  test('an exception that the same batch settles is not stored', async () => {
    await put({ ...bad, fields: {} }, { ...bad, version: 2 })
    const { pipeline } = recordingPipeline()
    assert.deepEqual(await applyAll(pipeline), { ...NONE, claimed: 2, applied: 2 })
    assert.equal((await db.sql`select 1 from outcome`).length, 0)
  })
})
