import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ExecutionResult, execute, parse } from 'graphql'
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

async function ask(scopes: string[], text: string): Promise<ExecutionResult> {
  const subgraph = createCustomerSubgraph({ sqlOf: unbound(db.sql), policy, sources: systems })
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
