import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { getIntrospectionQuery } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { PublishedOperations } from '../../../gateway/operation/publishedOperations.ts'
import { testGateway } from '../gateway.ts'
import { until } from '../until.ts'

const sha = (text: string) => createHash('sha256').update(text).digest('hex')
const HEAD = 'query Head { head }'
const CUSTOMER = 'query Customer($id: ID!) { customer(id: $id) { name } }'
const LIVE = 'subscription Live { changes { position } }'

const texts = new Map([HEAD, CUSTOMER, LIVE].map((text) => [sha(text), text]))
let away = false
const find = async (hash: string) => {
  if (away) throw new Error('secret: away')
  return texts.get(hash) ?? null
}
type Running = Awaited<ReturnType<typeof testGateway>>
let any: Running
let published: Running
let without: Running
before(async () => {
  any = await testGateway({ operations: { find, mode: 'any', ageMsMax: 1 } })
  published = await testGateway({ operations: { find, mode: 'published', ageMsMax: 1 } })
  without = await testGateway()
})
after(async () => {
  for (const it of [any, published, without]) await it?.gateway.close()
})

const apq = (hash: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hash } } })

async function post(it: Running, body: object, accept = 'application/json') {
  const headers = { 'content-type': 'application/json', accept }
  const res = await fetch(it.url, { method: 'POST', headers, body: JSON.stringify(body) })
  return {
    status: res.status,
    ...((await res.json()) as { data?: unknown; errors?: [{ extensions: { code: string } }] }),
  }
}
const codeOf = async (it: Running, body: object) =>
  (await post(it, body)).errors?.[0].extensions.code

test('selects an operation by documentId or Apollo’s form, with variables, by POST and GET', async () => {
  const variables = { id: 'c1' }
  const data = { customer: { name: 'Customer 1' } }
  for (const named of [
    { documentId: sha(CUSTOMER) },
    { documentId: `sha256:${sha(CUSTOMER).toUpperCase()}` },
    apq(sha(CUSTOMER)),
    { query: '', ...apq(sha(CUSTOMER)) },
    { query: CUSTOMER, ...apq(sha(CUSTOMER)) },
  ])
    for (const it of [any, published])
      assert.deepEqual(
        await post(it, { ...named, variables }),
        { status: 200, data },
        JSON.stringify(named),
      )
  for (const [name, value] of [
    ['documentId', sha(HEAD)],
    ['extensions', JSON.stringify(apq(sha(HEAD)).extensions)],
  ] as const) {
    const res = await fetch(`${published.url}?${new URLSearchParams({ [name]: value })}`)
    assert.deepEqual(await res.json(), { data: { head: '0' } })
  }
})

test('rejects an unpublished hash, and does not publish it when it comes with its text', async () => {
  const fresh = 'query Fresh { head }'
  for (const it of [any, published])
    assert.equal(await codeOf(it, apq(sha(fresh))), 'PERSISTED_QUERY_NOT_FOUND')
  assert.deepEqual((await post(any, { query: fresh, ...apq(sha(fresh)) })).data, { head: '0' })
  assert.equal(await codeOf(any, apq(sha(fresh))), 'PERSISTED_QUERY_NOT_FOUND')
  assert.equal(
    await codeOf(any, { query: fresh, ...apq(sha(HEAD)) }),
    'PERSISTED_QUERY_HASH_MISMATCH',
  )
  assert.equal((await post(any, apq(sha(fresh)), 'application/graphql-response+json')).status, 400)
})

test('in published-only mode rejects anything else: another text, an extra blank, introspection', async () => {
  assert.deepEqual((await post(published, { query: HEAD })).data, { head: '0' })
  for (const query of [
    '{ head }',
    `${HEAD} `,
    getIntrospectionQuery(),
    '{ __typename }',
    'no GraphQL',
  ]) {
    assert.equal(await codeOf(published, { query }), 'PERSISTED_QUERY_REQUIRED', query)
    assert.equal(
      await codeOf(published, { query, ...apq(sha(query)) }),
      'PERSISTED_QUERY_REQUIRED',
      query,
    )
    assert.equal(
      await codeOf(published, { query, ...apq(sha(HEAD)) }),
      'PERSISTED_QUERY_HASH_MISMATCH',
      query,
    )
  }
  assert.deepEqual((await post(any, { query: '{ __typename }' })).data, { __typename: 'Query' })
})

test('rejects a request without an operation, and asks for full texts where none are stored', async () => {
  for (const body of [
    { documentId: 7 },
    { documentId: 'f00' },
    { documentId: `${sha(HEAD)}0` },
    { extensions: { persistedQuery: {} } },
    { extensions: { persistedQuery: { sha256Hash: ['x'] } } },
    { query: HEAD, documentId: '../../etc' },
  ])
    assert.equal(await codeOf(any, body), 'BAD_DOCUMENT_ID', JSON.stringify(body))
  assert.equal(await codeOf(any, { extensions: 7 }), 'NO_QUERY')
  assert.equal(await codeOf(without, apq(sha(HEAD))), 'PERSISTED_QUERY_NOT_SUPPORTED')
  assert.deepEqual((await post(without, { query: HEAD, ...apq(sha(HEAD)) })).data, { head: '0' })
})

test('runs published operations over server-sent events', async () => {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const ask = (body: object) =>
    fetch(published.url, { method: 'POST', headers, body: JSON.stringify(body) })
  const refused = await ask({ query: 'subscription { changes { position } }' })
  assert.equal(refused.status, 400)
  assert.match(await refused.text(), /PERSISTED_QUERY_REQUIRED/)
  const res = await ask({ documentId: sha(LIVE) })
  const subscribers = published.fixture.subscribers
  await until(() => subscribers() > 0)
  published.fixture.emit({ position: '5', id: 'c1' })
  const reader = res.body?.getReader()
  const chunk = await reader?.read()
  assert.match(new TextDecoder().decode(chunk?.value), /"position":"5"/)
  await reader?.cancel()
  await until(() => subscribers() === 0)
})

test('runs published operations over graphql-ws, where a referenced query has an empty text', async () => {
  const client = createClient({
    url: published.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
  })
  const one = (payload: object) =>
    new Promise<unknown>((resolve) => {
      const results: unknown[] = []
      client.subscribe(payload as never, {
        next: (r) => void results.push(r),
        error: (e) => resolve((e as [{ extensions: { code: string } }])[0].extensions.code),
        complete: () => resolve(results),
      })
    })
  assert.deepEqual(await one({ query: '', ...apq(sha(HEAD)) }), [{ data: { head: '0' } }])
  assert.deepEqual(await one({ query: '', documentId: sha(HEAD) }), [{ data: { head: '0' } }])
  assert.equal(await one({ query: '{ head }' }), 'PERSISTED_QUERY_REQUIRED')
  assert.equal(await one({ query: '', ...apq(sha('x')) }), 'PERSISTED_QUERY_NOT_FOUND')
  await client.dispose()
})

test('notices published and retired operations; while the store is unavailable the last result stays valid', async () => {
  const late = 'query Late { head }'
  const named = { documentId: sha(late) }
  assert.equal(await codeOf(published, named), 'PERSISTED_QUERY_NOT_FOUND')
  texts.set(sha(late), late)
  await until(async () => (await codeOf(published, named)) === undefined)
  away = true
  assert.deepEqual(await post(published, named), { status: 200, data: { head: '0' } })
  const unknown = await post(published, { documentId: sha('never requested') })
  assert.equal(unknown.status, 503)
  assert.equal(unknown.errors?.[0].extensions.code, 'UNAVAILABLE')
  away = false
  texts.delete(sha(late))
  await until(async () => (await codeOf(published, named)) === 'PERSISTED_QUERY_NOT_FOUND')
})

test('deduplicates concurrent lookups, caches their results and bounds the memory', async () => {
  let lookups = 0
  const operations = new PublishedOperations({
    mode: 'any',
    ageMsMax: 60_000,
    async find(hash) {
      lookups++
      return hash.startsWith('f') ? null : 'x'.repeat(1_000_000)
    },
  })
  const of = (hash: string) => operations.textOf({ query: null, hash })
  await Promise.all(Array.from({ length: 50 }, () => of('a')))
  assert.equal((await of('a')) as string, 'x'.repeat(1_000_000))
  assert.equal(lookups, 1)
  // Unknown hashes are cached too.
  await of('f')
  await of('f')
  assert.equal(lookups, 2)
  for (let i = 0; i < 40; i++) await of(`a${i}`)
  await of('a39')
  assert.equal(lookups, 42)
  await of('a')
  assert.equal(lookups, 43, 'the oldest of more than 32 million characters was evicted')
})
