import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { appendAudit } from '../../mdm/audit/audit.ts'
import { type AuditHead, headLine, isSignedHead, signHead } from '../../mdm/audit/auditHead.ts'
import { loadAuditKeys, parseAuditKeys } from '../../mdm/audit/auditKeys.ts'
import { acceptBreak, readBreakMark, recordBreak } from '../../mdm/audit/breaks.ts'
import { unkeyedHash } from '../../mdm/audit/entryHash.ts'
import { verifyEvidence } from '../../mdm/audit/evidence.ts'
import { expireAudit } from '../../mdm/audit/expireAudit.ts'
import { findGuardFaults, type GuardOptions } from '../../mdm/audit/guards.ts'
import { faultOfStart, type StoredStart } from '../../mdm/audit/signedEntry.ts'
import { currentHead } from '../../mdm/audit/storedHead.ts'
import { verifyAudit } from '../../mdm/audit/verifyAudit.ts'
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
    assert.deepEqual([found.evidence, found.heads], [[], []])
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
    assert.deepEqual(found.heads.map(([kind]) => kind).sort(), [
      'DAMAGED',
      'EDITED',
      'UNKNOWN_LINE',
    ])
    assert.match(found.details, /heads:3 is no head, and heads is a file of heads/)
    const log = await attack(async () => {}, [JSON.stringify({ auditHead: first }), '{"level":30}'])
    assert.deepEqual(log.heads, [], 'a log of a process has other lines')
    const marked = await attack(async () => {}, [await signed(2, { broken: 2 })])
    assert.deepEqual(marked.heads, [['SAYS_BROKEN', 2]])
  })

  test('a head of the last expired entry is compared with the hash that the log names', async () => {
    const expired = (lines: string[]) =>
      attack(async (tx) => {
        await expireAudit(nested(tx), 3, { actor: 'ada', reason: 'retention' })
      }, lines)
    assert.deepEqual((await expired(known())).heads, [])
    const other = await expired([await signed(3, { hash: 'ab'.repeat(32) })])
    assert.deepEqual(other.heads, [['DIFFERS', 3]])
    assert.deepEqual(
      (await expired([await signed(2, { hash: 'ab'.repeat(32) })])).heads,
      [],
      'an earlier one cannot be compared',
    )
  })

  test('no head is signed for a log whose end or beginning does not fit, and one names a recorded break', async () => {
    const { id, hash } = { id: 3, hash: heads[2]?.hash }
    for (const [statement, detail] of [
      [`update audit_head set id = 5`, /another hash than this last entry/],
      ['delete from audit where id = 6', /it is missing/],
      [
        `update audit set hash = sha256('x') where id = 6; update audit_head set hash = sha256('x')`,
        /does not give|gives for it/,
      ],
      [
        `delete from audit where id <= 3; update audit_head set start_id = ${id}, start_hash = '\\x${hash}'`,
        /records no expiry/,
      ],
    ] as const)
      await inTransaction(statement, async (tx) => {
        await assert.rejects(currentHead(nested(tx)), detail, statement)
      })
    await inTransaction('select 1', async (tx) => {
      const ring = await loadAuditKeys(false)
      assert.equal((await currentHead(nested(tx)))?.broken, undefined)
      for (const _ of [1, 2]) await recordBreak(nested(tx), ring, { id: 2, detail: 'gone' })
      const recorded = await tx`select id from audit where event = 'AUDIT_BROKEN'`
      assert.deepEqual(
        recorded.map((r) => r.id),
        [7],
      )
      const head = await currentHead(nested(tx))
      assert.equal(head?.broken, 2)
      assert.equal(isSignedHead(ring, { ...head, broken: undefined } as AuditHead), false)
      const by = { actor: 'ada', reason: 'a restore' }
      assert.deepEqual(await acceptBreak(nested(tx), ring, by), { id: 2, detail: 'gone' })
      assert.equal(await acceptBreak(nested(tx), ring, by), null, 'none is open')
      assert.equal((await currentHead(nested(tx)))?.broken, undefined)
      await tx`update audit set body = replace(body::text, 'restore', 'theft')::json where id = 8`
      assert.match(
        (await readBreakMark(tx, ring, head?.chain ?? ''))?.open?.detail ?? '',
        /not as its key/,
      )
    })
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
    await inTransaction('select 1', async (tx) => {
      await expireAudit(nested(tx), 3, { actor: 'ada', reason: 'retention' })
      const [head] = await tx<StoredStart[]>`
        select chain, start_id as "startId", start_hash as "startHash" from audit_head`
      if (!head) throw new Error('no head')
      assert.equal(await faultOfStart(tx, await loadAuditKeys(false), head), null)
      const other = parseAuditKeys([`other:${'x'.repeat(40)}`])
      await assert.rejects(faultOfStart(tx, other, head), /does not have the key test of entry 7/)
    })
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

  /** Makes a change as the owner, and rolls it back at the end. */
  async function inTransaction(statement: string, work: (tx: Transaction) => Promise<void>) {
    await db.sql.begin(async (tx) => {
      await tx.unsafe(`set local session_replication_role = replica; ${statement}`)
      await work(tx)
      await tx.unsafe('rollback; begin')
    })
  }

  /** A head line at this position, as the key signs it. */
  async function signed(position: number, more: Partial<AuditHead>): Promise<string> {
    const head = heads[position - 1]
    const [key] = await loadAuditKeys(false)
    if (!head || !key) throw new Error('no head or no key')
    const { key: _, mac: __, ...facts } = { ...head, ...more }
    return headLine(signHead(key, facts))
  }

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
        ...(await evidenceOf(tx)),
      }
      await tx.unsafe('rollback; begin')
      return result
    })
  }
  const known = () => heads.map(headLine)
})

describe('what guards the history, against the owner of the database', () => {
  const refuse = (body: string) =>
    `create or replace function refuse_change() returns trigger language plpgsql as $$ ${body} $$`
  const trigger = (name: string, rest: string, table = 'audit') =>
    `create or replace trigger ${name} ${rest} execute function refuse_change()`.replace(
      ' on ',
      ` on ${table} `,
    )
  const attacks: [statement: string, guard: RegExp][] = [
    ['drop trigger audit_append_only on audit', /trigger audit_append_only on audit: it is gone/],
    ['alter table audit disable trigger all', /trigger audit_append_only on audit: it is disabled/],
    ['alter table withdrawal disable trigger all', /a foreign key is not checked/],
    ['alter table assertion disable trigger assertion_append_only', /on assertion: it is disabled/],
    ['alter table audit enable replica trigger audit_append_only', /on audit: it is disabled/],
    ['drop trigger exception_work_append_only on exception_work', /on exception_work: it is gone/],
    [
      'drop trigger exception_worked_append_only on exception_worked',
      /on exception_worked: it is gone/,
    ],
    [trigger('audit_append_only', 'before update on for each statement'), /BEFORE UPDATE ON/],
    [
      trigger(
        'audit_append_only',
        'before update of id or delete or truncate on for each statement',
      ),
      /UPDATE OF id/,
    ],
    [
      trigger('audit_append_only', 'after update or delete or truncate on for each statement'),
      /AFTER/,
    ],
    [
      trigger(
        'audit_append_only',
        'before update or delete or truncate on for each statement when (false)',
      ),
      /WHEN \(false\)/,
    ],
    [
      `create schema evil; create function evil.refuse_change() returns trigger language plpgsql as $$ begin return null; end $$;
       create or replace trigger audit_append_only before update or delete or truncate on audit for each statement execute function evil.refuse_change()`,
      /FUNCTION evil.refuse_change/,
    ],
    [
      trigger('a_first', 'before insert on for each row'),
      /a_first on audit: it is no trigger of Touchstone/,
    ],
    [trigger('a_first', 'before update on for each row', 'audit_head'), /a_first on audit_head/],
    [refuse('begin return null; end'), /refuse_change\(\): .*body differs/],
    [
      'alter function refuse_change() security definer',
      /refuse_change\(\): .*SECURITY DEFINER differs/,
    ],
    ['alter function refuse_change() set search_path = evil', /refuse_change\(\): .*SET differs/],
    [
      `create or replace function analyze_table(name regclass) returns void language plpgsql security definer
       set search_path = pg_catalog, pg_temp as $$ begin delete from public.audit; end $$`,
      /analyze_table.*body differs/,
    ],
    ['alter function version_at(uuid, timestamptz) reset search_path', /version_at\(.*SET differs/],
    ['drop function version_at_position(uuid, bigint)', /version_at_position.*it is gone/],
    [
      `create function tidy() returns void language sql security definer as $$ delete from audit $$`,
      /function public.tidy\(\): it runs with the rights of/,
    ],
    [
      `create function sees_operational(record bigint, kind text) returns boolean language sql security definer as $$ select true $$`,
      /sees_operational.*not as Touchstone creates it/,
    ],
    ['create rule quiet as on insert to audit do instead nothing', /table audit: the rule quiet/],
    ['create rule quiet as on delete to change do instead nothing', /table change: the rule quiet/],
    ['grant update on audit to public', /table audit: everybody may UPDATE/],
    ['grant truncate on inbox to t_app', /table inbox: t_app may TRUNCATE/],
    ['grant update (body) on audit to t_app', /t_app may UPDATE its column body/],
    ['grant update (start_id) on audit_head to t_app', /t_app may UPDATE its column start_id/],
    ['grant trigger on assertion to t_app', /t_app may TRIGGER/],
    ['alter table audit owner to t_app', /table audit: its owner is t_app/],
    ['alter role t_app superuser', /user t_app of the program: it is a superuser/],
    ['alter role t_app bypassrls replication', /BYPASSRLS/],
    ['grant pg_write_all_data to t_app', /t_app of the program: it can act as pg_write_all_data/],
    [
      'create role t_owner; alter table audit owner to t_owner; create role t_group; grant t_owner to t_group; grant t_group to t_app',
      /t_app of the program: it can act as t_owner/,
    ],
    [
      'grant set on parameter session_replication_role to t_app',
      /t_app .*SET session_replication_role/,
    ],
    ['alter role t_app set session_replication_role = replica', /turns triggers off for t_app/],
    ['set local session_replication_role = replica', /turns triggers off for this session/],
    [
      `create subscription s connection 'dbname=none' publication p with (connect = false)`,
      /subscription s: it writes tables/,
    ],
    ['alter table audit set unlogged', /table audit: it is unlogged/],
    ['create table more () inherits (audit)', /the table more adds its own rows/],
    ['alter table change rename to change0', /table change: it is gone/],
    [
      'alter table inbox rename to inbox0; create view inbox as select * from inbox0',
      /inbox: it is no ordinary table/,
    ],
    [
      'create schema evil; create table evil.audit (like audit); set local search_path = evil, public',
      /table audit: its name leads elsewhere/,
    ],
    ['create policy row_rights on golden using (false)', /table golden: row security is off/],
    [
      'alter table golden enable row level security; create policy row_rights on golden using (true)',
      /golden: its row rights show every row/,
    ],
    [
      'alter table audit enable row level security; create policy p on audit for select using (id > 3)',
      /policy p is not of/,
    ],
    [
      `create function e() returns event_trigger language plpgsql as $$ begin end $$;
       create event trigger watch on ddl_command_start execute function e()`,
      /event trigger watch: it is no part of Touchstone/,
    ],
  ]
  test('nothing is found in a database that only migrations have changed', async () => {
    assert.deepEqual(await weakened('select 1'), [])
  })
  for (const [statement, guard] of attacks)
    test(`names the guard: ${statement.slice(0, 90)}`, async () => {
      assert.match((await weakened(statement)).join('\n'), guard)
    })

  test('one user for owner and program is no fault, unless the owner has a URL of its own', async () => {
    assert.match(
      (await weakened('select 1', { isApplication: true })).join(),
      /of the program: it is a superuser/,
    )
    const names = (statement: string) =>
      weakened(`set local role t_app; ${statement}`, { isApplication: true })
    assert.deepEqual(await names('select 1'), [])
  })

  /** Returns what is found after a change as superuser, beside a user t_app that may only append. */
  async function weakened(statement: string, options: GuardOptions = {}): Promise<string[]> {
    return await db.sql.begin(async (tx) => {
      // Locked first: an autovacuum that waits for the rows of the grant would hold the tables.
      await tx`lock table audit, assertion, inbox in access exclusive mode`
      await tx.unsafe(
        `create role t_app; grant insert on audit, assertion, inbox to t_app; ${statement}`,
      )
      const faults = await findGuardFaults(tx, options)
      await tx.unsafe('rollback; begin')
      return faults.map((f) => `${f.guard}: ${f.detail}`)
    })
  }
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
