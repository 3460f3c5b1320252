import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { readOwnSubgraphs, schemaFiles } from '../../../cli/config/ownSubgraphs.ts'
import { packagePath } from '../../../cli/config/packagePath.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-subgraphs-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const path = join(dir, 'subgraphs.yaml')
const secret = 'a secret that is long enough for a signature'
const env = { TOKEN: 't0ken', SIGN: secret, SHORT: 'short', ODD: 'line\nbreak' }

function read(...lines: string[]) {
  writeFileSync(
    path,
    ['subgraphs:', '  - name: loyalty', ...lines.map((l) => `    ${l}`)].join('\n'),
  )
  return readOwnSubgraphs(path, { env })
}
const URL_LINE = 'url: https://loyalty.example/graphql'

describe('config/subgraphs.yaml', () => {
  test('the shipped file has no subgraph', () => {
    assert.deepEqual(readOwnSubgraphs(packagePath('config/subgraphs.yaml')), [])
  })

  test('is read with secrets of the environment and with defaults', () => {
    const [made] = read(
      URL_LINE,
      'schema: loyalty.graphql',
      'headers: { X-Tenant: acme, Authorization: { env: TOKEN, prefix: "Bearer " } }',
      'caller: { signedWith: SIGN }',
      'overrides: [Customer.paymentTerms]',
      'timeoutMs: 500',
    )
    assert.deepEqual(made, {
      name: 'loyalty',
      url: 'https://loyalty.example/graphql',
      schemaFile: join(dir, 'loyalty.graphql'),
      headers: new Map([
        ['x-tenant', 'acme'],
        ['authorization', 'Bearer t0ken'],
      ]),
      caller: { kind: 'SIGNED', secret },
      mutations: false,
      overrides: ['Customer.paymentTerms'],
      bounds: { timeoutMs: 500, responseBytesMax: 1_048_576, itemsMax: 100, requestsMax: 64 },
      configuredAt: made?.configuredAt,
    })
    assert.match(made?.configuredAt ?? '', /subgraphs\.yaml:2$/)
    assert.deepEqual(schemaFiles(path), [join(dir, 'loyalty.graphql')])
    const [unset] = readOwnSubgraphs(path, { env: {}, needsSecrets: false })
    assert.deepEqual([unset?.headers.size, unset?.caller], [1, { kind: 'NONE' }])
  })

  const wrong: [name: string, lines: string[], problem: RegExp][] = [
    ['no url', [], /subgraphs\.yaml:2: subgraphs\.0\.url/],
    ['an unknown key', [URL_LINE, 'timeout: 5'], /:4: .*"timeout"; allowed are name, url, schema/],
    ['a file as url', ['url: ./graphql'], /:3: the url must be as https/],
    [
      'credentials in the url',
      ['url: https://me:pw@x.example/'],
      /:3: the url must not hold credentials/,
    ],
    ['another protocol', ['url: ftp://x.example/'], /:3: the url must be as https/],
    [
      'a secret in the file',
      [URL_LINE, 'headers:', '  Authorization: Bearer x'],
      /:5: Authorization is a secret/,
    ],
    ['a key in the file', [URL_LINE, 'headers: { x-api-key: abc }'], /:4: x-api-key is a secret/],
    [
      'a secret that is not set',
      [URL_LINE, 'headers: { x-api-key: { env: NONE } }'],
      /:4: loyalty needs the environment variable NONE/,
    ],
    [
      'a secret that no header can hold',
      [URL_LINE, 'headers: { x-api-key: { env: ODD } }'],
      /:4: the value of x-api-key is not printable ASCII/,
    ],
    [
      'a header of the gateway',
      [URL_LINE, 'headers: { Content-Type: text/plain }'],
      /:4: the gateway sets the header Content-Type itself/,
    ],
    [
      'a header twice',
      [URL_LINE, 'headers: { X-a: b, x-A: c }'],
      /:4: the header x-A is there twice/,
    ],
    [
      'two credentials',
      [URL_LINE, 'headers: { authorization: { env: TOKEN } }', 'caller: token'],
      /authorization carries the caller's token/,
    ],
    [
      'a short signing secret',
      [URL_LINE, 'caller: { signedWith: SHORT }'],
      /:4: the secret needs 32 characters/,
    ],
    ['a bound out of range', [URL_LINE, 'timeoutMs: 1'], /:4: subgraphs\.0\.timeoutMs/],
    [
      'the name of an override',
      [URL_LINE, 'overrides: [paymentTerms]'],
      /:4: subgraphs\.0\.overrides\.0/,
    ],
  ]
  for (const [name, lines, problem] of wrong)
    test(`refuses ${name}, with its line`, () => {
      assert.throws(
        () => read(...lines),
        (e: Error) => {
          assert.match(e.message, problem)
          assert.doesNotMatch(e.message, /t0ken|line\nbreak|:pw|Bearer x/)
          return true
        },
      )
    })

  test('refuses two subgraphs of one name', () => {
    const one = `  - name: loyalty\n    ${URL_LINE}\n`
    writeFileSync(path, `subgraphs:\n${one}${one}`)
    assert.throws(
      () => readOwnSubgraphs(path),
      /subgraphs\.yaml:4: there are two subgraphs named "loyalty"/,
    )
  })
})
