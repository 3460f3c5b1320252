import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { QueryPlanner } from '@graphql-hive/router-query-planner'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { maskError } from '../../../gateway/operation/maskErrors.ts'
import { fixture } from '../fixture.ts'
import { ask, testGateway } from '../gateway.ts'

let it: Awaited<ReturnType<typeof testGateway>>
before(async () => {
  it = await testGateway()
})
after(() => it.gateway.close())

const fails = (how: string) =>
  ask(it.url, 'query Q($how: String!) { fails(how: $how) customer(id: "c1") { id } }', {
    variables: { how },
  })

test('passes an error made for the caller, beside the data of other fields', async () => {
  const { body } = await fails('CODE')
  assert.equal(body.errors[0].message, 'No such customer')
  assert.equal(body.errors[0].extensions.code, 'NOT_FOUND')
  assert.deepEqual(body.errors[0].path, ['fails'])
  assert.deepEqual(body.data, { fails: null, customer: { id: 'c1' } })
})

test('replaces any other error by a code with the correlation id of its log entry', async () => {
  for (const how of ['PLAIN', 'BARE']) {
    it.logged.length = 0
    const { body, headers } = await fails(how)
    assert.deepEqual(body.errors, [
      {
        message: 'Internal error',
        path: ['fails'],
        extensions: { code: 'INTERNAL', correlationId: headers.get('x-correlation-id') },
      },
    ])
    assert.equal(it.logged[0]?.correlationId, headers.get('x-correlation-id'))
    assert.match(JSON.stringify(it.logged[0]), /secret/)
  }
})

test('a store that is unavailable, full or too slow has a code and reveals no details', async () => {
  for (const [how, code] of [
    ['STORE', 'UNAVAILABLE'],
    ['FULL', 'UNAVAILABLE'],
    ['SLOW', 'TIMEOUT'],
  ] as const) {
    const { body } = await fails(how)
    assert.equal(body.errors[0].extensions.code, code)
    assert.doesNotMatch(JSON.stringify(body), /127\.0\.0\.1|ECONN|extend file|canceling/)
  }
})

test('literals that the planner cannot read are an error of the caller', async () => {
  const planner = new QueryPlanner(composeSupergraph(fixture().subgraphs))
  for (const value of [`${'['.repeat(400)}1${']'.repeat(400)}`, '1e999']) {
    const failure = await planner
      .planAsync(`{ customers(first: ${value}) { id } }`, undefined, new Set(), 0)
      .then(
        () => null,
        (e: unknown) => e,
      )
    const masked = maskError(failure, 'id', () => {})
    assert.equal(masked.extensions.code, 'BAD_USER_INPUT', value)
  }
})
