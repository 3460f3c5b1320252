import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSources } from '../../connectors/sources.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import { inFolder, root } from './fixture.ts'

function read(text: string, env: Record<string, string> = {}) {
  return inFolder((dir) => {
    const path = join(dir, 'sources.yaml')
    writeFileSync(path, text)
    return readSources(path, env)
  })
}

const one = (more: string) =>
  `sources:\n  - name: crm\n    kind: salesforce\n    role: CRM\n    trust: 0.8\n${more}`

test('reads the shipped configuration without any environment, with development secrets', () => {
  const sources = readSources(join(root, 'config/sources.yaml'), {})
  assert.deepEqual(
    sources.map((s) => [s.system.name, s.system.kind, s.system.role]),
    [
      ['salesforce', 'salesforce', 'CRM'],
      ['stripe', 'stripe', 'BILLING'],
      ['netsuite', 'netsuite', 'ERP'],
      ['webshop', 'generic', 'SUCCESS'],
    ],
  )
  for (const { system } of sources) {
    assert.equal(system.developmentSecret, true)
    assert.equal(system.secrets.length, 1)
  }
})

test('uses a secret of the environment instead of the development secret; two are valid during a rotation', () => {
  const [plain] = readSources(join(root, 'config/sources.yaml'), {
    SALESFORCE_WEBHOOK_SECRET: 'real',
  })
  assert.deepEqual(plain?.system.secrets, ['real'])
  assert.equal(plain?.system.developmentSecret, false)
  const two = one('    secret: [{ env: NEW }, { env: OLD }]\n')
  assert.deepEqual(read(two, { NEW: 'n', OLD: 'o' })[0]?.system.secrets, ['n', 'o'])
  assert.deepEqual(read(two, { OLD: 'o' })[0]?.system.secrets, ['o'])
  assert.deepEqual(read(two)[0]?.system.secrets, [], 'none: deliveries are rejected')
})

test('events of operational objects are on, and can be switched off, or on for some types', () => {
  const events = (text: string) => read(one(text))[0]?.system.events
  assert.deepEqual([events(''), events('    events: all\n')], [undefined, undefined])
  assert.deepEqual(events('    events: none\n'), new Set())
  assert.deepEqual(events('    events: [Invoice, Payment]\n'), new Set(['Invoice', 'Payment']))
  assert.throws(() => events('    events: [Invoices]\n'), /sources\.yaml:6.*events/s)
})

test('rejects a mistake with file, line and what is allowed', () => {
  const cases: [string, RegExp][] = [
    [one('    colour: red\n'), /sources\.yaml:6: .*colour.*allowed are name, kind, role/],
    [
      one('').replace('kind: salesforce', 'kind: salesfroce'),
      /sources\.yaml:3: .*salesforce.*stripe.*netsuite.*generic/,
    ],
    [one('').replace('role: CRM', 'role: SALES'), /sources\.yaml:4: .*CRM.*BILLING/],
    [one('').replace('0.8', '8'), /sources\.yaml:5: /],
    [one('').replace('name: crm', 'name: CRM one'), /sources\.yaml:2: .*lower-case letters/],
    [one('    secret: abc\n'), /sources\.yaml:6: /],
    [one('    secret: { env: lower }\n'), /sources\.yaml:6: /],
    [one('    secret: [{ env: A }, { env: B }, { env: C }]\n'), /sources\.yaml:6: /],
    [one('').replace('kind: salesforce', 'kind: generic'), /sources\.yaml:3: .*needs mapping/],
    [
      `${one('')}  - { name: crm, kind: stripe, role: BILLING, trust: 1 }\n`,
      /sources\.yaml:6: there are two source systems named "crm"/,
    ],
    [one('    closed: Saturdays\n'), /sources\.yaml:6: closed: must be a list of times/],
    [one('    closed: [{ at: "0 22 * * 6" }]\n'), /sources\.yaml:6: closed: at: needs for:/],
    [one('    closed: [{ at: "25 h", for: 6h }]\n'), /sources\.yaml:6: .*"25 h" in UTC is no cron/],
    [
      one('    closed: [{ at: "0 22 * * 6", for: 6h, zone: Mars/Base }]\n'),
      /sources\.yaml:6: .*Mars\/Base/,
    ],
    [one('    closed: [{ at: "0 0 31 2 *", for: 6h }]\n'), /names no time to come/],
    [one('    closed: [{ at: "0 22 * * 6", for: 60d }]\n'), /from 1s to 31d/],
    [one('    closed: [{ from: 2026-12-24T18:00, to: 2026-12-25T18:00Z }]\n'), /with its offset/],
    [
      one('    closed: [{ from: 2026-12-24T18:00Z, to: 2026-12-24T18:00Z }]\n'),
      /to: must be after from:/,
    ],
    [
      one('    closed: [{ at: "0 22 * * 6", for: 6h, holds: [pull, push] }]\n'),
      /sources\.yaml:6: closed.*must be of pull, write, postings/,
    ],
    ['sources: []\n', /sources\.yaml:1: /],
    ['source:\n  - a\n', /sources\.yaml:1: /],
    ['sources: [\n', /sources\.yaml:\d+: /],
    ['sources:\n  - name: a\n    name: b\n', /sources\.yaml:3: .*unique/i],
  ]
  for (const [text, expected] of cases)
    assert.throws(
      () => read(text),
      (e: unknown) => {
        assert.ok(e instanceof ConfigError, String(e))
        assert.match(e.message, expected)
        return true
      },
      text,
    )
})

test('rejects a missing file by name', () => {
  assert.throws(
    () => readSources('/nowhere/sources.yaml', {}),
    /nowhere\/sources\.yaml: cannot be read/,
  )
})
