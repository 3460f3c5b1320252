import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../../mdm/db/database.ts'
import { migrate } from '../../../mdm/db/migrate.ts'
import { readHead } from '../../../mdm/feed/read.ts'
import { testDatabase } from '../../database.ts'

const all = 'migrations'

test('every migration has a number of its own, without gaps', () => {
  const numbers = readdirSync(all).flatMap((name) => name.match(/^(\d{4})_.*\.sql$/)?.[1] ?? [])
  assert.deepEqual(
    numbers.sort().map(Number),
    numbers.map((_, i) => Number(numbers[0]) + i),
  )
})

test('a migration takes as long as it needs, and another process waits for it', async (t) => {
  const db = await testDatabase({ empty: true })
  const dir = mkdtempSync(join(tmpdir(), 'migrations-'))
  const options = { connectionsMax: 1, name: 'touchstone-test', statementMsMax: 200 }
  const pools = [openDatabase(db.url, options), openDatabase(db.url, options)]
  t.after(async () => {
    rmSync(dir, { recursive: true })
    await Promise.all(pools.map((sql) => sql.end()))
    await db.drop()
  })
  writeFileSync(join(dir, '0001_slow.sql'), 'select pg_sleep(0.5)')
  const applied = await Promise.all(pools.map((sql) => migrate(sql, dir)))
  assert.deepEqual(applied.flat(), ['0001_slow.sql'])
})

test('migrations keep the rows of a store of an earlier version', async (t) => {
  const db = await testDatabase({ empty: true })
  const dir = mkdtempSync(join(tmpdir(), 'migrations-'))
  t.after(async () => {
    rmSync(dir, { recursive: true })
    await db.drop()
  })
  for (const name of readdirSync(all)) if (name < '0009') cpSync(join(all, name), join(dir, name))
  const { sql } = db
  assert.equal((await migrate(sql, dir)).length, 8)
  await sql.unsafe(`
    insert into inbox (source, message_id, object, format, body, correlation_id)
      select 'crm', 'm' || n, 'Account', 'row', '{"id": 1}', gen_random_uuid() from generate_series(1, 4) n;
    insert into pending (inbox_id) values (4);
    insert into outcome (inbox_id, outcome, code, detail, source, object)
      values (2, 'EXCEPTION', 'INCOMPLETE', 'name: missing', 'crm', 'Account'), (3, 'SKIPPED', 'OLDER', 'older', 'crm', 'Account');
    insert into source_record (key, source, object, source_id, type, version, tie, complete, raw, canonical, features,
        features_version, inbox_id)
      select md5(n::text)::uuid, 'crm', 'Account', n, 'Customer', 1, left(md5('content'), 16), n = 1, '{"id": 1}', '{"name": "Ada"}',
        case n when 1 then '[["ada", 1], null]'::jsonb end, 'v', n from generate_series(1, 2) n;
    insert into change (position, golden_id, type, version, op, changed, members, policy_version, cause, at)
      values (1, md5('1')::uuid, 'Customer', 1, 'CREATED', '{name}', '{}', 'p', '{"source": "crm", "inboxId": 1}', now()),
        (2, md5('1')::uuid, 'Customer', 2, 'UPDATED', '{name}', '{}', 'p', '{"source": "stewardship", "inboxId": null}', now()),
        (3, md5('1')::uuid, 'Customer', 3, 'UPDATED', '{name}', '{}', 'p', '{"source": "clock"}', now());
    update source_record set field_versions = jsonb_build_object('', jsonb_build_array(-1e18, ''),
      'Name', jsonb_build_array(1, tie), 'Phone', jsonb_build_array(1, '~0000000000000003')) where inbox_id = 2;
    update feed_head set position = 3;
    insert into action (kind, state, input, expected, actor, reason, idempotency_key, correlation_id, subjects)
      values ('MERGE', 'DONE', '{}', '{}', 'ada', 'same', 'k', 'c', '{}');
  `)
  const since = await migrate(sql, all)
  assert.ok(since.length >= 5, since.join())
  assert.deepEqual(await migrate(sql, all), [], 'no migration is left')
  const [counts] = await sql`
    select (select count(*)::int from inbox where corrects is null and stated_at is null) as inbox,
      (select count(*)::int from pending where not replay) as pending, (select count(*)::int from outcome) as outcome,
      (select count(*)::int from change) as change, (select count(*)::int from action) as action`
  assert.deepEqual({ ...counts }, { inbox: 4, pending: 1, outcome: 2, change: 3, action: 1 })
  const features =
    await sql`select features::text as f, pg_typeof(features)::text as type from source_record order by id`
  assert.deepEqual(
    features.map((r) => [r.f && JSON.parse(r.f), r.type]),
    [
      [[['ada', 1], null], 'json'],
      [null, 'json'],
    ],
  )
  const arrived = (n: number) => String(n).padStart(16, '0')
  const ties = await sql`select tie, field_versions as fields from source_record order by id`
  assert.deepEqual(
    ties.map((r) => [r.tie, r.fields]),
    [
      [arrived(1), null],
      [arrived(2), { '': [-1e18, ''], Name: [1, arrived(2)], Phone: [1, `~${arrived(3)}`] }],
    ],
    'the tie-break is the order of arrival; a correction keeps its own',
  )
  const [caused] = await sql`
    select array_agg(position) as at from change
    where cause ->> 'inboxId' is not null and (cause ->> 'inboxId')::bigint = 1`
  assert.deepEqual(caused?.at.map(Number), [1])
  // Cursors of that version name the feed. They are good up to the upgrade, also if a backup from
  // before it is restored and upgraded again.
  const { feed, epoch, lineage } = await readHead(sql)
  assert.notEqual(epoch, feed)
  assert.deepEqual(
    [3, 4].map((position) => lineage.holds(feed, position)),
    [true, false],
  )
  assert.ok(lineage.holds(epoch, 4))
  await sql`update outcome set outcome = 'CORRECTED' where inbox_id = 2`
  await assert.rejects(
    sql`update outcome set outcome = 'LOST' where inbox_id = 2`,
    /outcome_outcome_check/,
  )
})
