import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { loadPlanner } from '../../../gateway/federation/planner.ts'
import { ask, testGateway } from '../gateway.ts'

// __proto__ is rejected as a name, see below.
const NAMES = Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== '__proto__')

for (const [how, native] of [
  ['the native planner and our executor', true],
  ['the JavaScript planner', false],
] as const)
  describe(`names that objects inherit, used by a caller: ${how}`, () => {
    let it: Awaited<ReturnType<typeof testGateway>>
    before(async () => {
      const absent = async () => {
        throw new Error('no native build for this platform')
      }
      it = await testGateway(
        native
          ? {}
          : { loadPlanner: (supergraph, local) => loadPlanner(supergraph, local, absent) },
      )
    })
    after(() => it?.gateway.close())

    /** Returns the response data as entries. Fails if the response has errors. */
    async function data(query: string, variables?: object): Promise<[string, unknown][]> {
      const { status, body } = await ask(it.url, query, variables ? { variables } : {})
      assert.equal(status, 200, JSON.stringify(body))
      assert.equal(body.errors, undefined, JSON.stringify(body.errors))
      return Object.entries(body.data)
    }

    test('work as response keys at the root, in entities and beside @include', async () => {
      for (const name of NAMES) {
        const select = `{ ${name}: customer(id: "c1") { ${name}: name other: id invoices { ${name}: id } } }`
        const [[key, customer] = ['', null]] = await data(select)
        assert.equal(key, name)
        assert.deepEqual(Object.entries(customer as object), [
          [name, 'Customer 1'],
          ['other', 'c1'],
          ['invoices', JSON.parse(`[{"${name}":"c1-1"},{"${name}":"c1-2"}]`)],
        ])
        const included = `query ($yes: Boolean!) { ${name}: customer(id: "c1") @include(if: $yes) { ${name}: id } }`
        assert.equal(
          JSON.stringify(await data(included, { yes: true })),
          `[["${name}",{"${name}":"c1"}]]`,
        )
      }
    })

    test('work as names of variables, operations and fragments; a variable without a value is missing', async () => {
      for (const name of NAMES) {
        const query = `query ${name}($${name}: ID!) { customer(id: $${name}) { ...${name} } } fragment ${name} on Customer { name }`
        const variables = JSON.parse(`{"${name}":"c2"}`)
        assert.deepEqual(await data(query, variables), [['customer', { name: 'Customer 2' }]], name)
        const { body } = await ask(it.url, query, { variables: {} })
        assert.equal(body.errors[0].extensions.code, 'BAD_USER_INPUT', name)
        const optional = `query ($${name}: Int) { customers(first: $${name}) { id } }`
        const [[, customers] = []] = await data(optional, {})
        assert.equal((customers as unknown[]).length, 3, name)
      }
    })

    test('include __proto__, which is rejected as a name but allowed in a value', async () => {
      for (const query of [
        '{ __proto__: customer(id: "c1") { id } }',
        '{ customer(id: "c1") { __proto__: id } }',
        'query ($__proto__: ID!) { customer(id: $__proto__) { id } }',
        'query __proto__ { customer(id: "c1") { id } }',
        'query { customer(id: "c1") { ...__proto__ } } fragment __proto__ on Customer { id }',
      ]) {
        const { body } = await ask(it.url, query, { variables: JSON.parse('{"__proto__":"c1"}') })
        assert.equal(
          body.errors?.[0].extensions.code,
          'GRAPHQL_VALIDATION_FAILED',
          `${query} ${JSON.stringify(body)}`,
        )
        assert.match(body.errors[0].message, /__proto__/)
      }
      assert.deepEqual(await data('{ customer(id: "__proto__") { id } }'), [['customer', null]])
    })

    test('are unknown as fields, arguments and types', async () => {
      for (const name of [...NAMES, '__proto__'])
        for (const query of [
          `{ ${name} }`,
          `{ customer(id: "c1") { ${name} } }`,
          `{ customer(id: "c1", ${name}: 1) { id } }`,
          `{ customer(id: "c1") { ... on ${name} { id } } }`,
        ]) {
          const { body } = await ask(it.url, query)
          assert.equal(
            body.errors?.[0].extensions.code,
            'GRAPHQL_VALIDATION_FAILED',
            `${query} ${JSON.stringify(body)}`,
          )
        }
    })
  })
