import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { secretFile } from '../../../gateway/identity/development.ts'

test('creates a secret that only its owner can read, despite leftovers in the folder; all readers get the same', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'secret-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const left = join(dir, `.key.${process.pid}`)
  writeFileSync(left, 'known to others')
  chmodSync(left, 0o644)
  let made = 0
  const read = () => secretFile(dir, 'key', () => `secret ${++made}`)
  const [first, ...others] = await Promise.all([read(), read(), read()])
  assert.match(first ?? '', /^secret /)
  assert.deepEqual([...new Set(others)], [first])
  assert.equal(statSync(join(dir, 'key')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(dir).sort(), [`.key.${process.pid}`, 'key'])
  chmodSync(join(dir, 'key'), 0o640)
  await assert.rejects(read(), /chmod 600/)
})

test('refuses a secret that another user has put there', {
  skip: process.getuid?.() !== 0 && 'only root can be another user',
}, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'secret-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'key'), 'known to another user', { mode: 0o600 })
  chownSync(join(dir, 'key'), 65_534, 65_534)
  await assert.rejects(
    secretFile(dir, 'key', () => 'new'),
    /belongs to user 65534/,
  )
})
