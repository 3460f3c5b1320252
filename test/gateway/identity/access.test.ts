import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { accessOf, readAccess } from '../../../gateway/identity/access.ts'
import { readRules } from '../../../mdm/tasks/rules.ts'

test('a role has its own scopes and those of the roles that it includes, and their names too', () => {
  const access = accessOf({
    a: { scopes: ['x:1'] },
    b: { includes: ['a'], scopes: ['x:2'] },
    c: { includes: ['b', 'c'] },
    all: { includes: ['a'], scopes: ['*'] },
  })
  const { roles, scopes } = access.rightsOf(['c'])
  assert.deepEqual([...roles].sort(), ['a', 'b', 'c'])
  assert.deepEqual([...scopes].sort(), ['x:1', 'x:2'])
  assert.deepEqual([...access.rightsOf(['a'], ['y:1']).scopes].sort(), ['x:1', 'y:1'])
  assert.ok(access.rightsOf(['all']).scopes.has('what:ever'))
  assert.ok(
    !access.rightsOf(['all']).roles.has('b'),
    'having every scope does not mean having every role',
  )
  for (const unknown of ['', 'A', '*', '__proto__', 'constructor'])
    assert.deepEqual(
      [access.rightsOf([unknown]).roles.size, access.rightsOf([unknown]).scopes.size],
      [0, 0],
      unknown,
    )
  assert.equal(access.rightsOf(['b', 'a']).scopes, access.rightsOf(['a', 'b']).scopes)
})

test('an error in the file names its place and the allowed values', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-access-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'access.yaml')
  for (const [text, message] of [
    [
      'roles: { a: { scopes: [reader] } }',
      /access\.yaml: roles\.a\.scopes\.0: a scope is two words with a colon/,
    ],
    ['roles: { a: { includes: [b] } }', /roles\.a\.includes: there is no role "b"; there are a/],
    ['roles: { a: { scope: [] } }', /roles\.a.*scope/s],
    ['roles: { "a b": {} }', /a role is a word/],
    ['role: {}', /access\.yaml/],
    ['{', /access\.yaml/],
  ] as const) {
    writeFileSync(file, text)
    assert.throws(() => readAccess(file), message, text)
  }
  assert.throws(() => readAccess(join(dir, 'nothing.yaml')), /nothing\.yaml/)
})

test('every role that stewardship mentions is defined', () => {
  const { roles } = readAccess('config/access.yaml')
  for (const role of Object.keys(readRules('config/stewardship.yaml').roles))
    assert.ok(roles.includes(role), role)
})
