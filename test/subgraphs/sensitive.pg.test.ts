import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type ExecutionResult, execute, parse, Source } from 'graphql'
import { visibleValues } from '../../mdm/feed/visible.ts'
import { masked } from '../../schema/masked.ts'
import { parsePolicy } from '../../schema/policy.ts'
import { createCustomerSubgraph } from '../../subgraphs/customer/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { policy, systems } from '../fixtures/store.ts'
import { key, tell, world } from './world.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await tell(db.sql, world)
})
after(async () => await db?.drop())

async function ask(scopes: string[], text: string, model = policy): Promise<ExecutionResult> {
  const subgraph = createCustomerSubgraph({ sqlOf: unbound(db.sql), policy: model, sources: systems })
  const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set(scopes) })
  return await execute({ schema: subgraph.schema, document: parse(text), contextValue })
}

const anna = key('crm', 'Contact', 'P1')

test('a value that needs a scope is shown nowhere to a caller without it', async () => {
  const text = `{ contact(id: "${anna}") {
    name jobTitle emails provenance(fields: ["name", "jobTitle"]) { value candidates { value } }
    sources { canonical raw } history { nodes { values changedFields } } } }`
  const { data, errors } = await ask([], text)
  assert.equal(errors, undefined)
  assert.doesNotMatch(JSON.stringify(data), /Anna|nordwind\.example/)
  assert.match(JSON.stringify(data), /CFO/)
  const full = await ask(['pii:read'], text)
  const shown = JSON.parse(JSON.stringify(full.data)).contact
  assert.equal(shown.name, 'Anna Weber')
  assert.equal(shown.provenance[0].candidates[0].value, 'Anna Weber')
  assert.equal(shown.sources[0].canonical.name, 'Anna Weber')
  assert.equal(shown.sources[0].raw.name, 'Anna Weber')
  assert.equal(shown.history.nodes[0].values.name, 'Anna Weber')
})

test('nor can it be guessed by filter or order', async () => {
  for (const args of [
    'filter: { name: { startsWith: "A" } }',
    'filter: { not: { or: [{ emails: { contains: "anna@nordwind.example" } }] } }',
    'orderBy: [{ field: NAME }]',
  ]) {
    const { errors } = await ask([], `{ contacts(${args}) { nodes { id } } }`)
    assert.equal(errors?.[0]?.extensions.code, 'MISSING_SCOPE', args)
    assert.equal((await ask(['pii:read'], `{ contacts(${args}) { nodes { id } } }`)).errors, undefined)
  }
})

test('with masks in the policy the mask is shown, and nothing more, wherever the value would be', async () => {
  const text = readFileSync('schema/model/contact.graphql', 'utf8')
  const model = parsePolicy(
    readdirSync('schema/model').map((f) => {
      const own = readFileSync(`schema/model/${f}`, 'utf8')
      if (f !== 'contact.graphql') return new Source(own, f)
      return new Source(
        text
          .replace(
            '@survive(by: UNION) @sensitive(scope: "pii:read")',
            '@survive(by: UNION) @sensitive(scope: "pii:read", mask: EMAIL_DOMAIN)',
          )
          .replace(
            '@systemOfRecord(order: [CRM, SUCCESS, ERP, BILLING])\n    @sensitive(scope: "pii:read")',
            '@systemOfRecord(order: [CRM])\n    @sensitive(scope: "pii:read", mask: LAST_FOUR)',
          ),
        f,
      )
    }),
  )
  const query = `{ contact(id: "${anna}") {
    name emails phones provenance(fields: ["name"]) { value candidates { value } }
    sources { canonical raw } history { nodes { values } } } }`
  const { data, errors } = await ask([], query, model)
  assert.equal(errors, undefined)
  const shown = JSON.parse(JSON.stringify(data)).contact
  assert.deepEqual([shown.name, shown.emails, shown.phones], ['****eber', ['****@nordwind.example'], null])
  assert.deepEqual(
    [shown.provenance[0].value, shown.provenance[0].candidates[0].value, shown.sources[0].raw],
    ['****eber', '****eber', null],
  )
  for (const values of [shown.sources[0].canonical, shown.history.nodes[0].values])
    assert.deepEqual([values.name, values.emails], ['****eber', ['****@nordwind.example']])
  assert.doesNotMatch(JSON.stringify(data), /Anna|anna@/)
  assert.match(JSON.stringify((await ask(['pii:read'], query, model)).data), /Anna Weber/)
  // Events, and so webhooks and the stream, have it from one place.
  const event = visibleValues(model)(
    'Contact',
    { name: 'Anna Weber', emails: ['anna@x.example'], jobTitle: 'CFO' },
    new Set(),
  )
  assert.deepEqual(event, { name: '****eber', emails: ['****@x.example'], jobTitle: 'CFO' })
  assert.deepEqual(masked({ mask: 'LAST_FOUR' }, 'short'), '****')
  assert.deepEqual(masked({ mask: 'STARS' }, ['a', null]), ['****', null])
  assert.throws(
    () => parsePolicy([new Source('type A @golden { id: ID! n: Int @sensitive(scope: "a:b", mask: STARS) }', 'm')]),
    /a mask is for texts/,
  )
})
