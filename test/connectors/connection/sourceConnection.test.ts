import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { resolveSecret } from '../../../connectors/connection/secrets.ts'
import { readSources } from '../../../connectors/sources.ts'
import { ConfigError } from '../../../schema/kit/configError.ts'
import { inFolder } from '../fixture.ts'
import { connect, simple } from './fixture.ts'

const right = 'base: https://api.example.com/\nkey: { env: KEY }\n'

describe('connection: of a source system', () => {
  test('gives settings, secrets by reference, objects and times', () => {
    const it = connect(simple, `${right}perMinute: 70\nevery: 10m\n`)
    assert.equal(it.values.get('base'), 'https://api.example.com')
    assert.equal(it.values.get('perMinute'), '70')
    assert.deepEqual(it.secrets.get('key'), { env: 'KEY' })
    assert.deepEqual(it.objects, ['customer'])
    assert.deepEqual([it.everyMs, it.censusMs, it.privateAddresses], [600_000, 86_400_000, false])
  })

  test('a default uses other settings', () => {
    const text = simple.replace(
      'base: { is: url }',
      'site: { is: text, pattern: "[a-z]+", help: "the name of the site" }\n  base: { is: url, default: "https://{site}.example.com" }',
    )
    assert.equal(
      connect(text, 'site: acme\nkey: { env: KEY }').values.get('base'),
      'https://acme.example.com',
    )
    assert.throws(
      () => connect(text, 'site: Acme\nkey: { env: KEY }'),
      /sources\.yaml:1: .*"Acme" is not the name of the site/,
    )
  })

  test('uses the first way to sign in whose settings are all given', () => {
    const text = simple
      .replace('auth: {', 'auth:\n  - { basic: { user: "{user}", password: "{key}" } }\n  - {')
      .replace('  perMinute', '  user: { is: text, optional: true }\n  perMinute')
    assert.equal(connect(text, right).auth, 1)
    assert.equal(connect(text, `${right}user: me`).auth, 0)
    assert.throws(
      () => connect(text, 'base: https://a.example.com'),
      /needs user and key \(an API key\); or key/,
    )
  })

  const wrong: [string, RegExp][] = [
    ['base: https://a.example.com\n', /yaml:1: connection: needs key \(an API key\)/],
    [`${right}colour: red\n`, /yaml:3: .*"colour"; allowed are base, key, perMinute, definition/],
    [
      `${right}objects: [orders]\n`,
      /yaml:3: .*no object "orders" in connection\.yaml; it has customer/,
    ],
    [
      right.replace('https', 'http'),
      /yaml:1: .*must begin with https:\/\/; http needs privateAddresses/,
    ],
    [right.replace('{ env: KEY }', 'sk_live_abc'), /yaml:2: .*a secret is given by reference/],
    [
      right.replace('{ env: KEY }', '{ env: KEY, file: x }'),
      /exactly one of env:, file:, command:/,
    ],
    [right.replace('{ env: KEY }', '{ enw: KEY }'), /"enw"; allowed are env, file, command/],
    [`${right}perMinute: many\n`, /yaml:3: .*must be a number of at least 0/],
    [`${right}every: 5\n`, /yaml:3: .*every: .*10s, 5m/],
    [right.replace('https://', 'https://me:pw@'), /has a user or a password in it/],
  ]
  for (const [text, expected] of wrong)
    test(`is refused with file and line: ${String(expected)}`, () => {
      assert.throws(
        () => connect(simple, text),
        (e: unknown) => {
          assert.ok(e instanceof ConfigError, String(e))
          assert.match(e.message, expected)
          assert.doesNotMatch(e.message, /sk_live_abc/)
          return true
        },
      )
    })

  test('any kind may name a definition of its own', () => {
    inFolder((dir) => {
      writeFileSync(join(dir, 'shop.connection.yaml'), simple)
      writeFileSync(join(dir, 'shop.yaml'), 'objects: { customer: { as: Customer, id: id } }')
      const path = join(dir, 'sources.yaml')
      const text = (more: string) =>
        `sources:\n  - name: shop\n    kind: generic\n    role: CRM\n    trust: 1\n    mapping: shop.yaml\n    connection: { ${more}base: https://a.example.com, key: { env: A } }\n`
      writeFileSync(path, text('definition: shop.connection.yaml, '))
      const [source] = readSources(path, {})
      assert.deepEqual(source?.connection?.objects, ['customer'])
      writeFileSync(path, text(''))
      assert.throws(
        () => readSources(path, {}),
        /sources\.yaml:7: the kind generic cannot be asked/,
      )
    })
  })
})

describe('a secret', () => {
  test('is read from an environment variable, a file or a command, again each time', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'touchstone-secret-'))
    try {
      const file = join(dir, 'key')
      writeFileSync(file, 'first\n')
      assert.equal(await resolveSecret({ file }, 'key', {}), 'first')
      writeFileSync(file, 'second\n')
      assert.equal(await resolveSecret({ file }, 'key', {}), 'second')
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
    assert.equal(await resolveSecret({ env: 'KEY' }, 'key', { KEY: 'a' }), 'a')
    const command = ['/bin/sh', '-c', 'printf "%s-%s" "$TOKEN" "$OTHER"']
    assert.equal(
      await resolveSecret({ command, pass: ['TOKEN'] }, 'key', { TOKEN: 't', OTHER: 'o' }),
      't-',
    )
  })

  test('that cannot be read is an error that names the place and not the value', async () => {
    const failing = [
      { env: 'KEY' },
      { file: '/nowhere/key' },
      { command: ['/bin/sh', '-c', 'echo hidden-value; exit 3'], pass: [] },
      { command: ['/bin/sh', '-c', 'true'], pass: [] },
    ]
    const texts = await Promise.all(
      failing.map((reference) =>
        resolveSecret(reference, 'crm: connection.key', {}).then(
          () => 'no error',
          (e: unknown) => String(e),
        ),
      ),
    )
    for (const text of texts) {
      assert.match(text, /crm: connection\.key: /)
      assert.doesNotMatch(text, /hidden-value/)
    }
    assert.match(texts[0] ?? '', /KEY is not set/)
    assert.match(texts[1] ?? '', /\/nowhere\/key cannot be read \(ENOENT\)/)
    assert.match(texts[2] ?? '', /\/bin\/sh failed \(3\)/)
    assert.match(texts[3] ?? '', /printed nothing/)
  })
})
