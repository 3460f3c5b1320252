import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { packagePath } from '../../../cli/config/packagePath.ts'
import { type Explanation, explain } from '../../../mdm/explain/explain.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { applyRecords, key } from '../../fixtures/steward.ts'
import { directPipeline } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  const fields = {
    name: 'Casa Lupo S.r.l.',
    domains: ['casalupo.example'],
    phones: ['+390612345678'],
  }
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', fields },
    { source: 'billing', id: 'B', fields: { ...fields, name: 'Casa Lupo' } },
  ])
})
after(async () => await db?.drop())

const run = promisify(execFile)
const touchstone = async (...args: string[]) =>
  (
    await run(process.execPath, [packagePath('cli/main.ts'), ...args], {
      env: { ...process.env, DATABASE_URL: db.url },
    })
  ).stdout

test('the command prints the result of the query for every way of naming the records', async () => {
  const e = (await explain(
    db.sql,
    directPipeline(db.sql),
    key('crm', 'A'),
    key('billing', 'B'),
  )) as Explanation
  const printed = JSON.parse(
    await touchstone('explain', 'crm/Customer/A', key('billing', 'B'), '--json'),
  )
  assert.deepEqual(printed.steps, JSON.parse(JSON.stringify(e.steps)))
  assert.deepEqual(
    [printed.weight, printed.verdict, printed.model],
    [e.weight, 'TOGETHER', e.model],
  )
  const text = await touchstone('explain', 'crm/Customer/A', 'billing/Customer/B')
  assert.match(text, /TOGETHER: what the two have in common is enough/)
  assert.ok(
    text.includes(`weight ${e.weight?.toFixed(2)}`) &&
      text.includes(`linked with ${e.weight?.toFixed(2)}`),
  )
  await assert.rejects(
    touchstone('explain', 'crm/Customer/A', 'crm/Customer/Nobody'),
    /nothing has the id/,
  )
})

test('match --why explains two records of a file and names a missing one', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-why-'))
  const [model, records, out] = ['m.graphql', 'r.ndjson', 'c.csv'].map((f) => join(dir, f)) as [
    string,
    string,
    string,
  ]
  writeFileSync(
    model,
    '"It." type It @golden { "Id." id: ID! "Name." name: String! @compare(as: ORGANISATION_NAME) }',
  )
  const line = (source: string, id: string, name: string) =>
    JSON.stringify({ source, id, fields: { name } })
  writeFileSync(
    records,
    [line('a', '1', 'Casa Lupo'), line('b', 'x/2', 'Casa Lupo Srl')].join('\n'),
  )
  const why = (...two: string[]) =>
    touchstone('match', '--model', model, '--records', records, '--out', out, '--why', ...two)
  assert.match(await why('a/1', 'b/x/2'), /two random records\n.*name: equal.*\n(.*\n)+weight -?\d/)
  await assert.rejects(why('a/1', 'b/3'), /no record b\/3/)
  await assert.rejects(why('a/1'), /--why takes two records/)
})

test('match --possible writes similar records in different clusters, and related records', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-possible-'))
  const file = (name: string) => join(dir, name)
  const [model, records, possible, shipped] = [
    file('m.graphql'),
    file('r.ndjson'),
    file('p.csv'),
    file('p.json'),
  ]
  writeFileSync(
    model,
    `"It." type It @golden { "Id." id: ID! "Name." name: String! @compare(as: ORGANISATION_NAME)
      "Phone." phone: String @compare(as: PHONE) "Domain." domain: String @compare(as: DOMAIN) }`,
  )
  const shared = { phone: '+496912345678', domain: 'halvard.example' }
  const line = (id: string, fields: object) => JSON.stringify({ source: 's', id, fields })
  const firms = [
    line('1', { name: 'Halvard Holding GmbH', ...shared }),
    line('2', { name: 'Halvard Logistics GmbH', ...shared }),
    line('3', { name: 'Tamarind Trading', phone: '+442079460018' }),
    line('4', { name: 'Tamarind Travel', phone: '+442079460018' }),
    line('5', { name: 'Zentoro Bau' }),
  ]
  writeFileSync(records, firms.join('\n'))
  writeFileSync(shipped, '{ "format": 1, "type": "It" }')
  const given = ['--model', model, '--records', records, '--parameters', shipped]
  await touchstone('match', ...given, '--out', file('c.csv'), '--possible', possible)
  const [head, ...lines] = readFileSync(possible, 'utf8').trim().split('\n')
  assert.equal(head, 'source_a,id_a,source_b,id_b,outcome,probability,related,reason')
  assert.deepEqual(
    lines.map((l) => l.split(',').slice(0, 5).join(',')),
    ['s,3,s,4,POSSIBLE_MATCH', 's,1,s,2,POSSIBLY_RELATED'],
  )
})
