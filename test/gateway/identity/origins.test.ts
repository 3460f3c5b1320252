import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalOrigin, isSameHost } from '../../../gateway/identity/origins.ts'

test('an origin is written as browsers send it', () => {
  for (const [given, canonical] of [
    ['https://app.example', 'https://app.example'],
    [' https://App.Example/ ', 'https://app.example'],
    ['https://app.example:443', 'https://app.example'],
    ['http://app.example:80', 'http://app.example'],
    ['http://app.example:443', 'http://app.example:443'],
    ['http://localhost:5173', 'http://localhost:5173'],
    ['https://[::1]:8443', 'https://[::1]:8443'],
    ['https://münchen.example', 'https://xn--mnchen-3ya.example'],
    ['capacitor://localhost', 'capacitor://localhost'],
  ] as const)
    assert.equal(canonicalOrigin(given), canonical, given)
})

test('anything else is no origin', () => {
  for (const given of [
    '',
    '*',
    'null',
    'app.example',
    'https://',
    'https://*.app.example',
    'https://app.example/path',
    'https://app.example?x',
    'https://user@app.example',
    'https://app.example:99999',
    'https://a b',
    'javascript:alert(1)',
  ])
    assert.equal(canonicalOrigin(given), null, given)
})

test('a page of the gateway itself has the same host', () => {
  assert.ok(isSameHost('https://touchstone.example', 'touchstone.example'))
  assert.ok(!isSameHost('https://touchstone.example:1', 'touchstone.example'))
  assert.ok(!isSameHost('null', 'null'))
})
