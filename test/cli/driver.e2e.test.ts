import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { projectCopy, runIn } from './projectCopy.ts'

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url))
const launcher = ['bin/touchstone.js', 'migrate']

test('refuses to open a database with an unpatched driver and explains how to patch it', (t) => {
  const dir = projectCopy(t)
  mkdirSync(join(dir, 'node_modules'))
  for (const name of readdirSync(packages)) {
    if (name === 'postgres')
      cpSync(join(packages, name), join(dir, 'node_modules', name), { recursive: true })
    else symlinkSync(join(packages, name), join(dir, 'node_modules', name))
  }
  const patch = (...flags: string[]) =>
    assert.equal(
      runIn(dir, process.execPath, 'node_modules/patch-package/index.js', ...flags).code,
      0,
    )

  patch('--reverse')
  const refused = runIn(dir, process.execPath, ...launcher)
  assert.equal(refused.code, 1)
  assert.match(
    refused.output,
    /the installed Postgres driver is not patched: run "npm ci", with install scripts allowed/,
  )

  patch()
  const tried = runIn(dir, process.execPath, ...launcher)
  assert.equal(tried.code, 1)
  assert.match(tried.output, /the database at 127\.0\.0\.1:1 does not respond/)
})

test('both builds of the driver that Node can load carry the same patch', () => {
  const required: unknown = createRequire(import.meta.url)('postgres')
  for (const build of [postgres, required])
    assert.equal(Reflect.get(build as object, 'touchstonePatch'), 4)
  const folder = new URL('../../patches/', import.meta.url)
  const [file = ''] = readdirSync(folder).filter((name) => name.startsWith('postgres+'))
  const parts = readFileSync(new URL(file, folder), 'utf8').split(
    /^diff --git a\/node_modules\/postgres\//m,
  )
  const changes = (path: string) =>
    parts
      .find((part) => part.startsWith(`${path} `))
      ?.split('\n')
      .filter((line) => /^[-+](?![-+])/.test(line))
  for (const path of ['src/connection.js', 'src/index.js'])
    assert.deepEqual(changes(`cjs/${path}`), changes(path))
  assert.ok(changes('src/connection.js'))
})
