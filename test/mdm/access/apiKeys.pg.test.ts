import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createKey, listKeys, revokeKey, rotateKey, verifyKey } from '../../../mdm/access/apiKeys.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(() => db?.drop())

const made = (name: string, expiresAt: Date | null = null) =>
  createKey(db.sql, { name, roles: ['reader'], scopes: ['pii:read'], expiresAt, createdBy: 'test' })

test('a key is good as it was given out, and only so; the secret is not kept', async () => {
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
  for (const wrong of [`${text.slice(0, -1)}${last}`, text.slice(0, -1), `${text}A`, `tsk_${id}_`, id, '', `${text}\n`])
    assert.equal(await verifyKey(db.sql, wrong), null, wrong)
  const [row] = await db.sql`select row_to_json(k)::text as row from api_key k where id = ${id}`
  assert.ok(!row?.row.includes(text.slice(`tsk_${id}_`.length)))
})

test('its use is noted', async () => {
  const { id, text } = await made('used')
  const lastUse = async () => (await listKeys(db.sql)).find((k) => k.id === id)?.lastUsedAt
  assert.equal(await lastUse(), null)
  await verifyKey(db.sql, text)
  const first = await lastUse()
  assert.ok(first)
  await verifyKey(db.sql, text)
  assert.deepEqual(await lastUse(), first)
})

test('a name has one key; a revoked one leaves it free', async () => {
  const { text } = await made('twice')
  await assert.rejects(made('twice'), /there is a key "twice" already/)
  assert.equal(await revokeKey(db.sql, 'twice'), 1)
  assert.equal(await revokeKey(db.sql, 'twice'), 0)
  assert.equal(await verifyKey(db.sql, text), null)
  assert.ok(await verifyKey(db.sql, (await made('twice')).text))
})

test('of a rotated key old and new are good for a while, then the new one', async () => {
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

test('a key with an end is not good after it', async () => {
  assert.ok(await verifyKey(db.sql, (await made('long', new Date(Date.now() + 60_000))).text))
  assert.equal(await verifyKey(db.sql, (await made('short', new Date(Date.now() - 1))).text), null)
})
