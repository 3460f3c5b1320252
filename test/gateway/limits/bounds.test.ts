import assert from 'node:assert/strict'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { buildSchema, getIntrospectionQuery, parse } from 'graphql'
import { SlowReaderGuard } from '../../../gateway/http/slowReaderGuard.ts'
import { documentBoundsError } from '../../../gateway/limits/documentBounds.ts'
import { readDocument } from '../../../gateway/operation/document.ts'
import { CompiledDocument, DocumentCache } from '../../../gateway/operation/documentCache.ts'
import { until } from '../until.ts'

const bounds = {
  documentBytesMax: 65_536,
  tokensMax: 5_000,
  depthMax: 15,
  aliasesMax: 100,
  fieldsMax: 1_000,
  costMax: 20_000,
  bodyBytesMax: 1_000_000,
  queryMsMax: 60_000,
}
const times = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ')
const nothing = buildSchema('type Q { a: Int b: Int } schema { query: Q }')
const codeOf = (text: string) =>
  documentBoundsError(readDocument(nothing, parse(text)), bounds)?.extensions.code ?? null
const nest = (levels: number) => `${'a { '.repeat(levels)}b${' }'.repeat(levels)}`
/** Fragments that double each other; the last one selects `last`. */
const doubled = (count: number, last: string) =>
  `${times(count, (n) => `fragment F${n} on Q { ...F${n + 1} ...F${n + 1} }`)} fragment F${count} on Q { ${last} }`

const documents: [string, string, string | null][] = [
  ['at the maximum depth', `{ ${nest(14)} }`, null],
  ['deeper', `{ ${nest(15)} }`, 'QUERY_TOO_DEEP'],
  [
    'deeper in a fragment that nothing spreads',
    `{ a } fragment F on Q { ${nest(15)} }`,
    'QUERY_TOO_DEEP',
  ],
  [
    'deeper in a fragment whose name is defined twice',
    `{ ...F } fragment F on Q { ${nest(15)} } fragment F on Q { a }`,
    'QUERY_TOO_DEEP',
  ],
  [
    'introspection',
    getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }),
    null,
  ],
  ['introspection, its fragments first', reversed(getIntrospectionQuery()), null],
  ['wide', `{ ${times(1_001, (n) => `f${n}`)} }`, 'TOO_MANY_FIELDS'],
  ['the same fields a few hundred times', `{ ${times(190, () => 'a')} }`, null],
  ['the same fields again and again', `{ ${times(210, () => 'a')} }`, 'TOO_MANY_FIELDS'],
  ['the same fields, below', `{ ${times(210, () => 'a { b }')} }`, 'TOO_MANY_FIELDS'],
  [
    'the same fields, below and apart',
    `{ ${times(30, () => `a { ${times(10, () => 'b')} }`)} }`,
    'TOO_MANY_FIELDS',
  ],
  [
    'the same fields, by fragments',
    `{ ${times(30, (n) => `...F${n}`)} } ${times(30, (n) => `fragment F${n} on Q { ${times(10, () => 'a')} }`)}`,
    'TOO_MANY_FIELDS',
  ],
  ['the same fields, inline', `{ ${times(210, () => '... { a }')} }`, 'TOO_MANY_FIELDS'],
  [
    'the same fields, in a fragment that nothing spreads',
    `{ a } fragment F on Q { ${times(210, () => 'b')} }`,
    'TOO_MANY_FIELDS',
  ],
  [
    'fragments that double',
    `{ ...F0 } ${times(60, (n) => `fragment F${n} on Q { ...F${n + 1} ...F${n + 1} }`)} fragment F60 on Q { a }`,
    'TOO_MANY_FIELDS',
  ],
  [
    'operations that share a large fragment',
    `${times(20, (n) => `query Q${n} { ...F }`)} fragment F on Q { ${times(900, (n) => `f${n}`)} }`,
    'TOO_MANY_FIELDS',
  ],
  ['many small operations', times(500, (n) => `query Q${n} { a }`), null],
  [
    'a circle',
    '{ ...A } fragment A on Q { ...B } fragment B on Q { ...A }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['a circle that nothing spreads', '{ a } fragment A on Q { ...A }', 'GRAPHQL_VALIDATION_FAILED'],
  [
    'fragments without a field, each twice in another',
    `{ ...F0 } ${doubled(60, '...Unknown')}`,
    null,
  ],
  ['such fragments that nothing spreads', `{ a } ${doubled(60, '...Unknown')}`, null],
  [
    'such fragments below inline ones and beside a field',
    `{ a ...F0 ...F0 } ${doubled(60, '... on Q { ...Unknown }')}`,
    null,
  ],
  [
    'fragments with one field, each twice in another',
    `{ ...F0 } ${doubled(60, 'a')}`,
    'TOO_MANY_FIELDS',
  ],
  ['aliases', `{ ${times(101, (n) => `a${n}: b`)} }`, 'TOO_MANY_ALIASES'],
]
for (const [what, text, code] of documents)
  test(`checks the bounds of a document: ${what}`, () => assert.equal(codeOf(text), code))

test('caches valid documents up to a number of characters, least recently used first out; rejected ones are not cached', () => {
  const schema = buildSchema('type Query { a: Int b(x: [Int]): Int }')
  const documents = new DocumentCache({
    schema,
    tokensMax: bounds.tokensMax,
    check: (tree) => documentBoundsError(tree, bounds),
    compile: (operation) => operation,
    charsMax: 30,
  })
  const read = (text: string) => documents.read(text, false)
  const [one, two] = ['{ a } # 1', '{ a } # 2']
  const first = read(one)
  assert.ok(first instanceof CompiledDocument)
  assert.equal(read(one), first)
  read(two)
  read('{ a } # 3')
  assert.equal(read(one), first)
  read('{ a } # 4')
  assert.equal(read(one), first)
  const second = read(two)
  assert.equal(read(two), second)
  for (const text of ['{', '{ c }', `{ ${times(210, () => 'a')} }`]) {
    const refused = read(text)
    assert.ok(!(refused instanceof CompiledDocument), text)
    assert.notEqual(read(text), refused)
  }
  assert.equal(read(two), second, 'rejected documents take no space in the cache')
  const deep = read(`{ b(x: ${'['.repeat(2_400)}${']'.repeat(2_400)}) }`)
  assert.ok(
    !(deep instanceof CompiledDocument) && !deep.some((e) => e.extensions.code === 'INTERNAL'),
  )
})

function reversed(text: string): string {
  return text
    .split(/(?=fragment )/)
    .reverse()
    .join(' ')
}

test('abandons unread responses: the longest waiting ones over the byte limit, and all after a timeout', async (t) => {
  const part = 30_000_000
  const untaken = new SlowReaderGuard({ bytesMax: 2.5 * part, readMsMax: 2_000 })
  const over: string[] = []
  const server = createServer((req, res) => {
    res.once('close', () => over.push(req.url ?? ''))
    res.end('x'.repeat(req.url === '/small' ? 10 : part))
    untaken.watch(res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const ask = (path: string) =>
    new Promise<IncomingMessage>((resolve) =>
      get({ port, path, host: '127.0.0.1' }, resolve).on('error', () => {}),
    )
  const small = await ask('/small')
  small.resume()
  assert.deepEqual(over, ['/small'])
  for (const path of ['/1', '/2']) (await ask(path)).on('error', () => {})
  const taken = await ask('/3')
  await until(() => over.includes('/1'))
  let bytes = 0
  for await (const chunk of taken) bytes += chunk.length
  assert.equal(bytes, part, 'a client that reads gets the whole response')
  await until(() => over.length === 4)
})
