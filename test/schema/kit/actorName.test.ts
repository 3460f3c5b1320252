import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { isActorName } from '../../../schema/kit/actorName.ts'

describe('a caller may not have a name that', () => {
  const CASES: [string, unknown[]][] = [
    ['is one of ours', ['clock', 'Development', 'nobody', 'touchstone', 'jetstream', '(overload)']],
    ['begins as one of ours', ['key:billing', 'cli:root', 'webhook:1', 'CLI:root']],
    ['is one of ours in full width', ['\uff43lock', '\uff4bey:root']],
    ['has control characters', ['a\x1b[2J', 'a\0', 'a\x7f', 'a\x80', 'a\x85', 'a\x9b2J', 'a\x9f']],
    ['has more than one line', ['a\nb', 'a\rb', 'a\u2028b', 'a\u2029b', 'a\vb']],
    ['changes the direction of text', ['a\u202eb', 'a\u2066b', 'a\u200fb', 'a\u061cb']],
    [
      'has what nobody sees',
      ['a\u200bb', 'a\ufeff', 'a\u00adb', 'cl\u200dock', 'a\u{e0041}', '\u2800'],
    ],
    ['has blanks at its ends', [' a', 'a ', 'a  b', '\u3000a']],
    ['is empty, too long or no text', ['', 'x'.repeat(201), 7, null, undefined, ['ada']]],
    ['is half of a character', ['a\ud800']],
  ]
  for (const [what, names] of CASES)
    test(what, () => {
      for (const name of names) assert.equal(isActorName(name), false, JSON.stringify(name))
    })
})

test('people and services of all scripts may have their names', () => {
  for (const name of [
    'ada',
    'Ada Lovelace',
    'ada@example.com',
    'auth0|5f7',
    'Žofie',
    '李雷',
    'علی‌رضا',
  ])
    assert.equal(isActorName(name), true, name)
})

test('no caller may have a name that the program uses itself', () => {
  const used = globSync('{cli,mdm,gateway,subgraphs}/**/*.ts').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\bactor(?::| =| \?\?) ['`]([^'`$]+)/g)].map(
      ([, name]) => name,
    ),
  )
  assert.ok(used.includes('clock') && used.includes('key:'), used.join())
  for (const name of used)
    assert.equal(isActorName(`${name}${name?.endsWith(':') ? 'x' : ''}`), false, name)
})
