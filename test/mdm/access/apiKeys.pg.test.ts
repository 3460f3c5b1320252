import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  createKey,
  keyVerification,
  listKeys,
  revokeKey,
  rotateKey,
  verifyKey,
} from '../../../mdm/access/apiKeys.ts'
import { apiKeys } from '../../../mdm/access/auditedApiKeys.ts'
import { openRefusals } from '../../../mdm/audit/refusals.ts'
import { verifyAudit } from '../../../mdm/audit/verifyAudit.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(() => db?.drop())

const made = (name: string, expiresAt: Date | null = null) =>
  createKey(db.sql, { name, roles: ['reader'], scopes: ['pii:read'], expiresAt, createdBy: 'test' })

test('accepts a key exactly as it was issued, and does not store its secret', async () => {
  const { id, text } = await made('app')
  const found = await verifyKey(db.sql, text)
  assert.deepEqual(found, {
    name: 'app',
    roles: ['reader'],
    scopes: ['pii:read'],
    regions: null,
    legalEntities: null,
    expiresAt: null,
  })
  const last = text.at(-1) === 'A' ? 'B' : 'A'
  for (const wrong of [
    `${text.slice(0, -1)}${last}`,
    text.slice(0, -1),
    `${text}A`,
    `tsk_${id}_`,
    id,
    '',
    `${text}\n`,
  ])
    assert.equal(await verifyKey(db.sql, wrong), null, wrong)
  const [row] = await db.sql`select row_to_json(k)::text as row from api_key k where id = ${id}`
  assert.ok(!row?.row.includes(text.slice(`tsk_${id}_`.length)))
})

test('keys that arrive together are looked up by few statements, each as if alone', async () => {
  const { text } = await made('together')
  let statements = 0
  const counting = new Proxy(db.sql, {
    apply(target, self, given) {
      statements++
      return Reflect.apply(target, self, given)
    },
  })
  const verify = keyVerification(counting)
  await verify(text)
  statements = 0
  const unknown = Array.from(
    { length: 5_000 },
    (_, n) => `tsk_${n.toString(16).padStart(16, '0')}_${'A'.repeat(43)}`,
  )
  const found = await Promise.all([...unknown, text].map(verify))
  assert.deepEqual(
    found.flatMap((key) => key?.name ?? []),
    ['together'],
  )
  assert.ok(statements <= 10, `${statements} statements`)
})

test('records when a key was last used', async () => {
  const { id, text } = await made('used')
  const lastUse = async () => (await listKeys(db.sql)).find((k) => k.id === id)?.lastUsedAt
  assert.equal(await lastUse(), null)
  await verifyKey(db.sql, text)
  const first = await lastUse()
  assert.ok(first)
  await verifyKey(db.sql, text)
  assert.deepEqual(await lastUse(), first)
})

test('allows one key for a name, and a new one after the first is revoked', async () => {
  const { text } = await made('twice')
  await assert.rejects(made('twice'), /there is a key "twice" already/)
  assert.equal(await revokeKey(db.sql, 'twice'), 1)
  assert.equal(await revokeKey(db.sql, 'twice'), 0)
  assert.equal(await verifyKey(db.sql, text), null)
  assert.ok(await verifyKey(db.sql, (await made('twice')).text))
})

test('accepts both secrets of a rotated key during the overlap, then only the new one', async () => {
  const old = await made('rotated')
  const next = await rotateKey(db.sql, 'rotated', 3_600_000, 'test')
  assert.deepEqual((await verifyKey(db.sql, old.text))?.roles, ['reader'])
  assert.deepEqual((await verifyKey(db.sql, next.text))?.scopes, ['pii:read'])
  const last = await rotateKey(db.sql, 'rotated', 0, 'test')
  for (const { text } of [old, next]) assert.equal(await verifyKey(db.sql, text), null)
  assert.ok(await verifyKey(db.sql, last.text))
  assert.equal((await listKeys(db.sql)).find((k) => k.id === last.id)?.replaces, next.id)
  await assert.rejects(rotateKey(db.sql, 'nothing', 0, 'test'), /no valid key "nothing"/)
})

test('rejects a key after it has expired', async () => {
  assert.ok(await verifyKey(db.sql, (await made('long', new Date(Date.now() + 60_000))).text))
  assert.equal(await verifyKey(db.sql, (await made('short', new Date(Date.now() - 1))).text), null)
})

test('the audit log has every change to a key with its actor, and nothing of its secret', async () => {
  const keys = apiKeys(db.sql, 'cli:ida')
  const made = await keys.create({
    name: 'audited',
    roles: ['reader'],
    scopes: [],
    regions: ['eu'],
    expiresAt: null,
  })
  const next = await keys.rotate('audited', 1_000)
  assert.equal(await keys.revoke('audited'), 2)
  await assert.rejects(keys.rotate('audited', 0), /no valid key/)
  const log = await db.sql<{ body: Record<string, unknown> }[]>`select body from audit order by id`
  assert.deepEqual(
    log.map(({ body }) => [body.event, body.actor, body.key]),
    ['KEY_CREATED', 'KEY_ROTATED', 'KEY_REVOKED', 'KEY_REVOKED'].map((event) => [
      event,
      'cli:ida',
      'audited',
    ]),
  )
  assert.deepEqual([log[0]?.body.regions, log[1]?.body.replaces], [['eu'], made.id])
  const text = JSON.stringify(log)
  for (const { text: key } of [made, next])
    assert.ok(!text.includes(key.split('_').slice(2).join('_')))
  assert.equal((await verifyAudit(db.sql)).broken, null)
})

test('the audit log groups similar refusals into one entry, up to a limit', async () => {
  const faults: unknown[] = []
  const refusals = openRefusals(db.sql, (e) => faults.push(e))
  const refuse = (actor: string | null, field: string) =>
    refusals.note({
      actor,
      code: actor ? 'FORBIDDEN' : 'UNAUTHENTICATED',
      fields: actor ? [field] : [],
      correlationId: 'c',
    })
  for (let i = 0; i < 1_000; i++) refuse('eve', 'Query.auditLog')
  for (let i = 0; i < 1_000; i++) refuse(null, '')
  for (let i = 0; i < 500; i++) refuse(`mallory ${i}`, 'Query.tasks')
  await refusals.stop()
  await refusals.flush()
  assert.deepEqual(faults, [])
  const log = await db.sql<{ body: { actor: string; code: string; times: number } }[]>`
    select body from audit where event = 'ACCESS_REFUSED' order by id`
  assert.deepEqual(
    log.slice(0, 2).map(({ body }) => [body.actor, body.code, body.times]),
    [
      ['eve', 'FORBIDDEN', 1_000],
      ['nobody', 'UNAUTHENTICATED', 1_000],
    ],
  )
  assert.equal(log.length, 51)
  assert.deepEqual([log[50]?.body.code, log[50]?.body.times], ['MANY', 452])
  assert.equal((await verifyAudit(db.sql)).broken, null)
})
