import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { appendAudit } from '../../mdm/audit/audit.ts'
import { type AuditHead, headLine, signHead } from '../../mdm/audit/auditHead.ts'
import { loadAuditKeys } from '../../mdm/audit/auditKeys.ts'
import { unkeyedHash } from '../../mdm/audit/entryHash.ts'
import { verifyEvidence } from '../../mdm/audit/evidence.ts'
import { expireAudit } from '../../mdm/audit/expireAudit.ts'
import { missingGuards, verifyAudit } from '../../mdm/audit/verifyAudit.ts'
import { verifyHeads } from '../../mdm/audit/verifyHeads.ts'
import type { Sql, Transaction } from '../../mdm/db/database.ts'
import { transaction } from '../../mdm/db/transaction.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { applyRecords, done, key, person } from '../fixtures/steward.ts'
import { directPipeline } from '../fixtures/store.ts'

let db: TestDatabase
let steward: Stewardship
const ada = person('ada', 'steward')
const a = key('crm', 'A')
const b = key('billing', 'B')

before(async () => {
  db = await testDatabase()
  steward = directPipeline(db.sql)
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', fields: { name: 'Casa Lupo S.r.l.', currency: 'EUR' } },
    { source: 'billing', id: 'B', fields: { name: 'Nordwind Logistik GmbH', currency: 'USD' } },
  ])
  for (let i = 0; i < 3; i++) {
    const merged = await done(steward, ada, { kind: 'MERGE', ids: [a, b], choices: [] })
    await done(steward, ada, { kind: 'UNDO', action: merged })
  }
})
after(async () => await db?.drop())

test('I2: assertions, withdrawals and the audit log are append-only; the database rejects other changes', async () => {
  for (const table of ['assertion', 'withdrawal', 'audit'])
    for (const statement of [
      `delete from ${table}`,
      `truncate ${table} cascade`,
      `update ${table} set ${column(table)}`,
    ])
      await assert.rejects(db.sql.unsafe(statement), /append-only/, statement)
})

function column(table: string): string {
  return table === 'audit'
    ? 'at = now()'
    : table === 'assertion'
      ? "actor = 'eve'"
      : 'assertion_id = assertion_id'
}

test('I2: undo deletes nothing: the assertion remains with its actor and is marked as withdrawn', async () => {
  const rows = await db.sql`
    select s.kind, s.actor, m.state, v.assertion_id is not null as stands from assertion s
    join action m on m.id = s.action_id left join standing v on v.assertion_id = s.id`
  assert.equal(rows.length, 3)
  for (const r of rows)
    assert.deepEqual({ ...r }, { kind: 'SAME', actor: 'ada', state: 'UNDONE', stands: false })
})

describe('the audit log against the owner of its tables', () => {
  /** Heads that left the database after each entry. */
  const heads: AuditHead[] = []
  before(async () => {
    const [stored] = await db.sql<{ chain: string; keys: string[] }[]>`
      select chain, keys from audit_head`
    const rows = await db.sql<{ id: number; hash: string }[]>`
      select id, encode(hash, 'hex') as hash from audit order by id`
    const [key] = await loadAuditKeys(false)
    if (!stored || !key) throw new Error('no log or no key')
    for (const { id, hash } of rows)
      heads.push(signHead(key, { chain: stored.chain, position: id, hash, at: now(), entries: id }))
  })

  test('an untouched log fits, alone and against its heads', async () => {
    const found = await attack(async () => {})
    assert.deepEqual(
      { rows: found.log.rows, broken: found.log.broken, actions: found.actions },
      { rows: 6, broken: null, actions: 6 },
    )
    assert.deepEqual([found.evidence, found.heads, found.guards], [[], [], []])
  })

  const statements: [statement: string, row: number][] = [
    [`update audit set body = replace(body::text, 'ada', 'eve')::json where id = 3`, 3],
    [`update audit set at = at - interval '1 day' where id = 2`, 2],
    [`update audit set at = at + interval '1 microsecond' where id = 2`, 2],
    [`update audit set at = 'infinity' where id = 2`, 2],
    ['delete from audit where id = 4', 4],
    ['delete from audit where id = 6', 6],
    ['delete from audit where id = 1', 1],
    ['update audit set id = id + 1 where id = 6; update audit_head set id = 7', 6],
    [
      `update audit set body = (select body from audit where id = 1), hash = (select hash from audit where id = 1) where id = 5`,
      5,
    ],
    [
      `alter table audit alter column actor drop expression; update audit set actor = 'eve' where id = 4`,
      4,
    ],
    [
      `alter table audit alter column event drop expression; alter table audit alter column action_id drop expression;
       update audit set event = action_id, action_id = event where id = 4`,
      4,
    ],
    [`insert into audit (id, at, body, hash) values (0, now(), '{}', '')`, 0],
    [
      `insert into audit (id, at, body, hash) select -7, at, body, hash from audit where id = 1`,
      -7,
    ],
    [`update audit set key_id = 'other' where id = 1`, 2],
    [`update audit set key_id = null where id = 6`, 6],
    [`update audit set endorsement = hash where id = 6`, 6],
    [`update audit_head set chain = gen_random_uuid()`, 1],
    [`update audit_head set keys = keys || 'other'::text`, 6],
    [
      `delete from audit where id <= 2; update audit_head set start_id = 2,
       start_hash = (select hash from audit where id = 3)`,
      3,
    ],
    [
      `with gone as (delete from audit where id <= 2 returning id, hash)
       update audit_head set start_id = 2, start_hash = (select hash from gone where id = 2)`,
      2,
    ],
  ]
  for (const [statement, row] of statements)
    test(`finds the entry: ${statement.slice(0, 90)}`, async () => {
      const { log } = await attack((tx) => tx.unsafe(statement))
      assert.equal(log.broken?.id ?? log.unverified?.id, row, JSON.stringify(log))
    })

  test('finds a last entry that was rewritten before the product appends', async () => {
    const { log, heads: found } = await attack(async (tx) => {
      await tx.unsafe(
        `update audit set body = replace(body::text, 'ada', 'eve')::json, hash = sha256('x') where id = 6;
         update audit_head set hash = sha256('x')`,
      )
      await appendAudit(tx, { event: 'LATER', actor: 'ada' })
    })
    assert.equal(log.broken?.id, 6)
    assert.deepEqual(found, [['DIFFERS', 6]])
  })

  test('finds a removed end only against heads, whether or not the product appends', async () => {
    const cut = (tx: Transaction) =>
      tx.unsafe(`delete from audit where id > 4;
        update audit_head set id = 4, hash = (select hash from audit where id = 4)`)
    const behind = await attack(cut)
    assert.deepEqual([behind.log.broken, behind.heads], [null, [['BEHIND', 5]]])
    const forked = await attack(async (tx) => {
      await cut(tx)
      for (let i = 0; i < 3; i++) await appendAudit(tx, { event: 'LATER', actor: 'ada' })
    })
    assert.deepEqual([forked.log.broken, forked.heads], [null, [['DIFFERS', 5]]])
    assert.match(forked.details, /forks there/)
    const empty = await attack((tx) =>
      tx.unsafe(`delete from audit; update audit_head set id = 0, hash = '', keys = '{}'`),
    )
    assert.deepEqual([empty.log.broken, empty.heads], [null, [['BEHIND', 1]]])
  })

  test('a log that its owner computed again without a key proves nothing, and heads contradict it', async () => {
    const { log, heads: found } = await attack(async (tx) => {
      await withoutKeys(tx, (body) => body.replaceAll('ada', 'eve'))
    })
    assert.deepEqual([log.broken, log.keys, log.unkeyed], [null, [], 6])
    assert.deepEqual(found, [['DIFFERS', 1]])
  })

  test('a log of another installation under the same key is another log', async () => {
    const { log, heads: found } = await attack(async (tx) => {
      await tx`delete from audit`
      await tx`update audit_head set chain = gen_random_uuid(), id = 0, hash = '', keys = '{}'`
      for (let i = 0; i < 6; i++) await appendAudit(tx, { event: 'MERGE', actor: 'eve' })
    })
    assert.equal(log.broken, null)
    assert.deepEqual(found, [['OTHER_LOG', 0]])
  })

  test('heads that were edited or cut are named', async () => {
    const [first] = heads
    if (!first) throw new Error('no head')
    const lines = [
      headLine({ ...first, position: 2 }),
      headLine(first).slice(0, 100),
      '{"level":30}',
    ]
    const found = await attack(async () => {}, lines)
    assert.deepEqual(found.heads.map(([kind]) => kind).sort(), ['DAMAGED', 'EDITED'])
  })

  const evidence: [statement: string, detail: RegExp][] = [
    [
      `update action set reason = 'another' where number = (select min(number) from action)`,
      /not as/,
    ],
    [`update action set actor = 'eve' where number = (select max(number) from action)`, /not as/],
    [`update action set effect = '[]' where number = (select min(number) from action)`, /not as/],
    [
      `update action set done_at = done_at - interval '1 day' where number = (select min(number) from action)`,
      /not as/,
    ],
    [
      `update action set state = 'DONE' where number = (select min(number) from action)`,
      /was undone/,
    ],
    [
      `update action set state = 'UNDONE' where number = (select max(number) from action)`,
      /no action undoes/,
    ],
    [
      `update action set decided_by = 'bert' where number = (select min(number) from action)`,
      /not as/,
    ],
    [`update assertion set a = b where id = (select min(id) from assertion)`, /not as/],
    [
      `update assertion set at = at - interval '1 day' where id = (select min(id) from assertion)`,
      /not as/,
    ],
    [
      `insert into assertion (kind, a, b, actor, reason, action_id)
       select 'NOT_SAME', a, b, actor, reason, action_id from assertion limit 1`,
      /not as/,
    ],
    [
      `insert into withdrawal select max(s.id), (select id from action order by number limit 1) from assertion s`,
      /not as/,
    ],
    [`delete from standing; delete from withdrawal; delete from assertion`, /not as/],
    [
      `delete from standing; delete from withdrawal; delete from assertion; delete from action`,
      /removed/,
    ],
    [
      `insert into action (kind, state, input, expected, actor, reason, idempotency_key, correlation_id, subjects)
       values ('MERGE', 'DONE', '{}', '{}', 'eve', 'x', 'x', 'x', '{}')`,
      /no entry/,
    ],
    [
      `insert into action (kind, state, input, expected, actor, reason, idempotency_key, correlation_id, subjects, proposed_at)
       values ('MERGE', 'DONE', '{}', '{}', 'eve', 'x', 'x', 'x', '{}', '1999-12-31')`,
      /no entry/,
    ],
  ]
  for (const [statement, detail] of evidence)
    test(`finds the action: ${statement.slice(0, 90)}`, async () => {
      const found = await attack((tx) => tx.unsafe(statement))
      assert.equal(found.log.broken, null)
      assert.match(found.evidence[0]?.detail ?? '', detail, JSON.stringify(found.evidence))
    })

  test('a trigger that was dropped or disabled is named', async () => {
    for (const statement of [
      'drop trigger audit_append_only on audit',
      'alter table audit disable trigger all',
      'alter table assertion disable trigger assertion_append_only',
    ])
      assert.equal((await attack((tx) => tx.unsafe(statement))).guards.length, 1, statement)
  })

  test('entries from before keys are sealed by the first entry under a key', async () => {
    const seal = async (tx: Transaction) => {
      await withoutKeys(tx, (body) => body)
      await appendAudit(tx, { event: 'AUDIT_KEYED', actor: 'touchstone' })
    }
    const sealed = await attack(seal, [])
    assert.deepEqual(
      [sealed.log.broken, sealed.log.unkeyed, sealed.log.keys.map((k) => k.from)],
      [null, 6, [7]],
    )
    const rewritten = await attack(async (tx) => {
      await seal(tx)
      await withoutKeys(tx, (body) => body.replaceAll('ada', 'eve'), 6)
    }, [])
    assert.equal(rewritten.log.broken?.id, 7)
  })

  test('an expiry is verifiable, and nothing more can be removed in its name', async () => {
    const { log, heads: found } = await attack(async (tx) => {
      assert.equal(await expireAudit(nested(tx), 3, { actor: 'ada', reason: 'retention' }), 3)
    })
    assert.deepEqual([log.broken, log.expiredThrough, log.rows, found], [null, 3, 4, []])
    const more = await attack(async (tx) => {
      await expireAudit(nested(tx), 3, { actor: 'ada', reason: 'retention' })
      await tx.unsafe(`with gone as (delete from audit where id = 4 returning hash)
        update audit_head set start_id = 4, start_hash = (select hash from gone)`)
    })
    assert.match(more.log.broken?.detail ?? '', /up to 4 are gone.*expiry up to 3/)
    const twice = await attack(async (tx) => {
      for (const through of [2, 5])
        await expireAudit(nested(tx), through, { actor: 'ada', reason: 'retention' })
    })
    assert.deepEqual([twice.log.broken, twice.log.expiredThrough, twice.log.rows], [null, 5, 3])
  })

  test('many writers at once append one after the other', async () => {
    await Promise.all(
      Array.from({ length: 12 }, async (_, writer) => {
        for (let i = 0; i < 5; i++)
          await transaction(db.sql, (tx) => appendAudit(tx, { event: 'TEST', actor: `w${writer}` }))
      }),
    )
    const { rows, broken } = await verifyAudit(db.sql)
    assert.deepEqual({ rows, broken }, { rows: 66, broken: null })
  })

  /** Makes a change as the owner, and returns what the checks find. The change is rolled back. */
  async function attack(change: (tx: Transaction) => Promise<unknown>, lines?: string[]) {
    const ring = await loadAuditKeys(false)
    return await db.sql.begin(async (tx) => {
      await tx.unsafe('set local session_replication_role = replica')
      await change(tx)
      const log = await verifyAudit(tx)
      const heads = await verifyHeads(tx, ring, log, numbered(lines ?? known()))
      const result = {
        log,
        heads: heads.findings.map((f) => [f.kind, f.position] as const),
        details: heads.findings.map((f) => f.detail).join('\n'),
        guards: await missingGuards(tx),
        ...(await evidenceOf(tx)),
      }
      await tx.unsafe('rollback; begin')
      return result
    })
  }
  const known = () => heads.map(headLine)
})

const now = () => new Date().toISOString()

async function evidenceOf(tx: Transaction) {
  const { actions, findings } = await verifyEvidence(tx)
  return { actions, evidence: findings }
}

async function* numbered(lines: readonly string[]) {
  for (const [i, text] of lines.entries()) yield { at: `heads:${i + 1}`, text }
}

/** A pool that is one transaction, so that a test can take back what a function commits. */
function nested(tx: Transaction): Sql {
  const begin = async (_: string, work: (tx: Transaction) => Promise<unknown>) => await work(tx)
  return Object.assign((...args: Parameters<Transaction>) => tx(...args), { begin }) as never
}

/** Rewrites entries up to `last` as somebody does who has no key. */
async function withoutKeys(
  tx: Transaction,
  rewrite: (body: string) => string,
  last = Number.MAX_SAFE_INTEGER,
): Promise<void> {
  const rows = await tx<{ id: number; body: string }[]>`
    select id, body::text as body from audit where id <= ${last} order by id`
  let hash: Uint8Array = new Uint8Array()
  for (const row of rows) {
    const body = rewrite(row.body)
    hash = unkeyedHash(hash, body)
    await tx`
      update audit set body = ${body}::text::json, hash = ${hash}, key_id = null, endorsement = null
      where id = ${row.id}`
  }
  if (last === Number.MAX_SAFE_INTEGER) await tx`update audit_head set hash = ${hash}, keys = '{}'`
}
