import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { buildSchema } from 'graphql'
import { invalidOperations, readOperations } from '../../../../cli/commands/input/operationFiles.ts'
import { operationHash } from '../../../../mdm/access/operations.ts'

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'touchstone-operations-'))
})
after(() => rmSync(dir, { recursive: true, force: true }))

const file = (name: string, text: string) => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}
const BODY = 'query Page { a }'
const manifest = (operation: object, more: object = {}) =>
  JSON.stringify({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [
      { id: operationHash(BODY), name: 'Page', type: 'query', body: BODY, ...operation },
    ],
    ...more,
  })

test('reads a document as one entry and a manifest as one entry per operation', () => {
  const text = 'query A { a }\nquery B { a }\nfragment F on Query { a }\n'
  assert.deepEqual(readOperations(file('two.graphql', text)), [
    { client: null, text, names: ['A', 'B'], hash: operationHash(text) },
  ])
  assert.deepEqual(readOperations(file('anonymous.graphql', '{ a }'))[0]?.names, [])
  assert.deepEqual(readOperations(file('app.json', manifest({ clientName: 'app' }))), [
    { client: 'app', text: BODY, names: ['Page'], hash: operationHash(BODY) },
  ])
})

test('an error about an unusable file names the file', () => {
  for (const [name, text, why] of [
    [
      'md5.json',
      manifest({ id: 'd41d8' }),
      /md5\.json: the id of Page is d41d8, and the sha256 of its body is [0-9a-f]{64}/,
    ],
    [
      'other.json',
      manifest({}, { version: 2 }),
      /other\.json is no persisted-query manifest of Apollo's format/,
    ],
    ['text.json', 'query', /text\.json is not JSON/],
    [
      'fragment.graphql',
      'fragment F on Query { a }',
      /fragment\.graphql has no operation, only fragments/,
    ],
    ['broken.graphql', '{ a', /broken\.graphql: Syntax Error/],
  ] as const)
    assert.throws(() => readOperations(file(name, text)), why)
})

test('an error about an invalid operation names the operation', () => {
  const schema = buildSchema('type Query { a: Int }')
  const sound = readOperations(file('sound.graphql', BODY))
  const wrong = readOperations(file('wrong.graphql', 'query Wrong { b }'))
  assert.deepEqual(invalidOperations([...sound, ...wrong], schema), [
    'Wrong: Cannot query field "b" on type "Query". Did you mean "a"?',
  ])
})
