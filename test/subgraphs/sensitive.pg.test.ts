import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ExecutionResult, execute, parse, Source } from 'graphql'
import type { Gateway } from '../../gateway/gateway.ts'
import { AccessRecorder } from '../../mdm/access/accessRecorder.ts'
import { type AccessRow, accessListing, latestAccesses } from '../../mdm/access/sensitiveAccess.ts'
import { visibleValues } from '../../mdm/feed/visible.ts'
import { masked } from '../../schema/masked.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { createCustomerSubgraph } from '../../subgraphs/customer/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { listed } from '../fixtures/listed.ts'
import { policy, systems } from '../fixtures/store.ts'
import { graph, ingestRecords, key, queryData, world } from './world.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, world)
})
after(async () => await db?.drop())

async function ask(scopes: string[], text: string, model = policy): Promise<ExecutionResult> {
  const subgraph = createCustomerSubgraph({
    sqlOf: unbound(db.sql),
    policy: model,
    sources: systems,
  })
  const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set(scopes) })
  return await execute({ schema: subgraph.schema, document: parse(text), contextValue })
}

const fields = world.find((r) => r.type === 'Contact' && r.id === 'P1')?.fields ?? {}
const anna = key('crm', 'Contact', 'P1')

test('hides a value that needs a scope everywhere from a caller without it', async () => {
  const text = `{ contact(id: "${anna}") {
    name jobTitle emails provenance(fields: ["name", "jobTitle"]) { value candidates { nodes { value } } }
    sourceRecords { nodes { canonical raw } } history { nodes { values changedFields } } } }`
  const { data, errors } = await ask([], text)
  assert.equal(errors, undefined)
  assert.doesNotMatch(JSON.stringify(data), /Anna|nordwind\.example/)
  assert.match(JSON.stringify(data), /CFO/)
  const full = await ask(['pii:read'], text)
  const shown = JSON.parse(JSON.stringify(full.data)).contact
  assert.equal(shown.name, 'Anna Weber')
  assert.equal(shown.provenance[0].candidates.nodes[0].value, 'Anna Weber')
  assert.equal(shown.sourceRecords.nodes[0].canonical.name, 'Anna Weber')
  assert.equal(shown.sourceRecords.nodes[0].raw.name, 'Anna Weber')
  assert.equal(shown.history.nodes[0].values.name, 'Anna Weber')
})

test('hidden values cannot be guessed by filters or order', async () => {
  for (const args of [
    'filter: { name: { startsWith: "A" } }',
    'filter: { not: { or: [{ emails: { contains: "anna@nordwind.example" } }] } }',
    'orderBy: [{ field: NAME }]',
  ]) {
    const { errors } = await ask([], `{ contacts(${args}) { nodes { id } } }`)
    assert.equal(errors?.[0]?.extensions.code, 'MISSING_SCOPE', args)
    assert.equal(
      (await ask(['pii:read'], `{ contacts(${args}) { nodes { id } } }`)).errors,
      undefined,
    )
  }
})

test('with masks in the policy, shows only the mask wherever the value would be', async () => {
  const text = readFileSync('schema/model/contact.graphql', 'utf8')
  const model = parsePolicy(
    readdirSync('schema/model').map((f) => {
      const own = readFileSync(`schema/model/${f}`, 'utf8')
      if (f !== 'contact.graphql') return new Source(own, f)
      return new Source(
        text
          .replace(
            '@survive(by: UNION)\n    @sensitive(scope: "pii:read")',
            '@survive(by: UNION)\n    @sensitive(scope: "pii:read", mask: EMAIL_DOMAIN)',
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
    name emails phones provenance(fields: ["name"]) { value sourceRecords { totalCount } candidates { totalCount } }
    sourceRecords { nodes { canonical raw } } history { nodes { values } } } }`
  const { data, errors } = await ask([], query, model)
  assert.equal(errors, undefined)
  const shown = JSON.parse(JSON.stringify(data)).contact
  assert.deepEqual(
    [shown.name, shown.emails, shown.phones],
    ['****eber', ['****@nordwind.example'], null],
  )
  assert.deepEqual(
    [
      shown.provenance[0].value,
      shown.provenance[0].sourceRecords.totalCount,
      shown.provenance[0].candidates.totalCount,
      shown.sourceRecords.nodes[0].raw,
    ],
    ['****eber', 0, 0, null],
  )
  for (const values of [shown.sourceRecords.nodes[0].canonical, shown.history.nodes[0].values])
    assert.deepEqual([values.name, values.emails], ['****eber', ['****@nordwind.example']])
  assert.doesNotMatch(JSON.stringify(data), /Anna|anna@/)
  assert.match(JSON.stringify((await ask(['pii:read'], query, model)).data), /Anna Weber/)
  // Events, webhooks and the stream all get their values from visibleValues.
  const event = visibleValues(model)(
    'Contact',
    { name: 'Anna Weber', emails: ['anna@x.example'], jobTitle: 'CFO' },
    new Set(),
  )
  assert.deepEqual(event, { name: '****eber', emails: ['****@x.example'], jobTitle: 'CFO' })
  assert.deepEqual(masked({ mask: 'LAST_FOUR' }, 'short'), '****')
  assert.deepEqual(masked({ mask: 'STARS' }, ['a', null]), ['****', null])
  assert.throws(
    () =>
      parsePolicy([
        new Source('type A @golden { id: ID! n: Int @sensitive(scope: "a:b", mask: STARS) }', 'm'),
      ]),
    /a mask is for texts/,
  )
})
test('logs who saw or changed sensitive values, on every path, and never the values', async () => {
  const sql = db.sql
  const reads = new AccessRecorder({
    sql,
    daysMax: 400,
    everyMs: 2 ** 30,
    report: (m) => assert.fail(m),
  })
  const gateway = await graph(sql, 0, systems, { reads })
  try {
    const ways = async () => {
      await reads.write()
      const rows = await listed<AccessRow>(sql, accessListing, latestAccesses)
      await sql`truncate sensitive_access`
      return rows
        .map((r) => [r.through, r.operation, r.type, r.fields.join(), r.ids.includes(anna)])
        .sort()
    }
    const see = async (selection: string) => {
      const { contact } = await queryData(
        gateway,
        `query Card { contact(id: "${anna}") { id ${selection} } }`,
      )
      assert.ok(contact)
      return await ways()
    }
    assert.deepEqual(
      await see('jobTitle sourceRecords { nodes { system } } history { nodes { changedFields } }'),
      [],
    )
    assert.deepEqual(await see('name e: emails phones'), [
      ['FIELD', 'query Card', 'Contact', 'emails,name', true],
    ])
    assert.deepEqual(await see('provenance(fields: ["name", "jobTitle"]) { rule }'), [])
    const seen = (through: string, fields: string, operation = 'query Card') => [
      [through, operation, 'Contact', fields, true],
    ]
    assert.deepEqual(
      await see('provenance(fields: ["name", "jobTitle"]) { value }'),
      seen('PROVENANCE', 'name'),
    )
    assert.deepEqual(
      await see('provenance(fields: ["name"]) { candidates { nodes { value } } }'),
      seen('PROVENANCE', 'name'),
    )
    assert.deepEqual(await see('history { nodes { values } }'), seen('HISTORY', 'emails,name'))
    assert.deepEqual(
      await see('sourceRecords { nodes { canonical } }'),
      seen('SOURCE', 'emails,name'),
    )
    assert.deepEqual(
      await see('sourceRecords { nodes { raw } }'),
      seen('SOURCE', 'address,emails,givenName,name,phones,surname'),
    )
    await queryData(
      gateway,
      `{ feed { cursor } changes(types: [CONTACT]) { edges { node { after } } } }`,
    )
    assert.deepEqual(await ways(), seen('FEED', 'emails,name', 'query'))

    await follow(
      gateway,
      'Follow',
      'snapshot: true',
      '__typename ... on Snapshot { values }',
      'CaughtUp',
    )
    assert.deepEqual(await ways(), seen('SNAPSHOT', 'emails,name', 'subscription Follow'))

    // Subscribers with the same selection share one result, and each of them is logged as a reader.
    let ready = 0
    const both = ['One', 'Two'].map((name) =>
      follow(
        gateway,
        name,
        'ids: null',
        '__typename ... on Change { after }',
        '"Change"',
        () => ready++,
      ),
    )
    while (ready < 2) await sleep(5)
    await ingestRecords(sql, [
      {
        source: 'crm',
        type: 'Contact',
        id: 'P1',
        version: 50,
        fields: { ...fields, jobTitle: 'CEO' },
      },
    ])
    await Promise.all(both)
    assert.deepEqual(
      await ways(),
      ['One', 'Two'].flatMap((name) => seen('FEED', 'emails,name', `subscription ${name}`)),
    )

    const other = key('billing', 'Contact', 'P2')
    await queryData(gateway, `{ explain(a: "${anna}", b: "${other}") { steps { valuesA } } }`)
    assert.deepEqual(await ways(), seen('EXPLAIN', 'emails,name', 'query'))
    const { contact } = await queryData(gateway, `{ contact(id: "${anna}") { version } }`)
    const change = `record: { id: "${anna}", version: ${contact.version} }, field: "surname", value: "Weber"`
    await queryData(
      gateway,
      `{ previewAction(action: { override: { ${change} } }) { ... on ActionPreview { records { after } } } }`,
    )
    assert.deepEqual(await ways(), seen('STEWARDSHIP', 'emails,name,surname', 'query'))
    const { overrideField } = await queryData(
      gateway,
      `mutation { overrideField(input: { ${change} }, reason: "r", idempotencyKey: "k") {
        ... on ActionDone { action { id input } } } }`,
    )
    assert.ok(overrideField.action.id, JSON.stringify(overrideField))
    assert.deepEqual(await ways(), [
      ...seen('CHANGE', 'surname', 'OVERRIDE'),
      ...seen('STEWARDSHIP', 'surname', 'mutation'),
    ])

    // The log can be searched by any id that leads to the record, and it names the readers.
    await see('name')
    await queryData(gateway, `query Again { contact(id: "${anna}") { name } }`)
    await reads.write()
    const { sensitiveAccess } = await queryData(
      gateway,
      `{ sensitiveAccess(filter: { about: "${anna}", fields: ["name"], through: [FIELD] }) {
        nodes { actor operation correlationId through fields about more at } } }`,
    )
    assert.deepEqual(
      sensitiveAccess.nodes.map((n: { actor: string; operation: string; about: string[] }) => [
        n.actor,
        n.operation,
        n.about,
      ]),
      [['development', 'query Again', [anna]]],
    )
    assert.doesNotMatch(
      JSON.stringify(await listed<AccessRow>(sql, accessListing, latestAccesses)),
      /Anna|nordwind\.example/,
    )
  } finally {
    await gateway.close()
    await reads.stop()
  }
})

/** Subscribes to the contacts' changes until this text arrives. */
async function follow(
  gateway: Gateway,
  name: string,
  from: string,
  selection: string,
  until: string,
  ready: () => void = () => {},
): Promise<void> {
  const abort = new AbortController()
  const res = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({
      query: `subscription ${name} { changes(types: [CONTACT], ${from}) { ${selection} } }`,
    }),
    signal: abort.signal,
  })
  ready()
  let text = ''
  for await (const chunk of res.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes(until)) break
  }
  abort.abort()
}
