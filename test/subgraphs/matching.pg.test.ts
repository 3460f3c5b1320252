import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { execute, parse, Source } from 'graphql'
import type { Gateway } from '../../gateway/gateway.ts'
import { createEngine } from '../../mdm/match/engine.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { createStewardshipSubgraph } from '../../subgraphs/stewardship/subgraph.ts'
import { visibleReason } from '../../subgraphs/stewardship/visibleReason.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { done, person } from '../fixtures/steward.ts'
import { directPipeline, policy } from '../fixtures/store.ts'
import {
  type GraphQLResponse,
  graph,
  ingestRecords,
  key,
  query,
  queryData,
  type WorldRecord,
} from './world.ts'

let db: TestDatabase
let gateway: Gateway

const customer = (source: string, id: string, fields: object): WorldRecord => ({
  source,
  type: 'Customer',
  id,
  fields: { ...fields },
})
const of = (source: string, id: string) => key(source, 'Customer', id)
const nordwind = {
  name: 'Nordwind Logistik GmbH',
  taxIds: ['DE136695976'],
  domains: ['nordwind.example'],
}
const fen = { name: 'Blue Fen Ltd', emails: ['hello@bluefen.example'], phones: ['+442079460033'] }

/**
 * Returns several customers. Each is a possible match of the first, with a different weight,
 * whatever the parameters are.
 */
function alike(): object[] {
  const engine = createEngine(policy.type('Customer'))
  const one = {
    name: 'Tamarind Trading Ltd',
    domains: ['tamarind.example'],
    phones: ['+442079460018'],
  }
  const found: { weight: number; fields: object }[] = []
  for (const name of [
    'Tamarind Travel',
    'Tamarind Trade',
    'Tamarind Holding',
    'Tamarinds Trading',
    'Tamarind',
  ])
    for (const shared of [{}, { domains: one.domains }, { phones: one.phones }, { ...one, name }]) {
      const fields = { ...shared, name }
      const [a, b] = [one, fields].map((f, i) =>
        engine.standardise({ key: String(i), source: `s${i}`, fields: f }),
      )
      if (!a || !b || !engine.keys(a).some((k) => engine.keys(b).includes(k))) continue
      const { weight } = engine.compare(a, b)
      if (weight >= engine.linkWeightMin && weight < engine.matchWeightMin)
        found.push({ weight, fields })
    }
  assert.ok(found.length > 0, 'a pair of the test is a possible match')
  return [one, ...found.map((f) => f.fields)]
}
const [trading, ...similar] = alike()

before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, [
    customer('crm', 'N', { ...nordwind, emails: ['info@nordwind.example'] }),
    customer('billing', 'N', { ...nordwind, name: 'Nordwind Logistik' }),
    customer('erp', 'N', nordwind),
    customer('crm', 'F', fen),
    customer('billing', 'F', { ...fen, name: 'Blue Fen' }),
    customer('crm', 'L', { name: 'Casa Lupo S.r.l.' }),
    customer('erp', 'W', { name: 'Unknown payer 77' }),
    customer('crm', 'T', trading as object),
    customer('billing', 'T', similar[0] as object),
    {
      source: 'crm',
      type: 'Product',
      id: 'P',
      fields: { name: 'Cold Store Sensor', sku: 'CSS-1' },
    },
    {
      source: 'billing',
      type: 'Invoice',
      id: 'I',
      fields: { customer: of('crm', 'L'), number: 'R-1' },
    },
  ])
  gateway = await graph(db.sql)
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

const EXPLAIN = `query ($a: ID!, $b: ID!, $whole: Boolean = true) { explain(a: $a, b: $b, whole: $whole) {
  type verdict because pairsCompared weight probability prior threshold linkThreshold forbidden sharedKeys usableKeys linkWeight model
  a { id system object sourceId goldenId record { id ... on Customer { name } } } b { id }
  assertions { kind a b actor reason at action { id kind } }
  steps { kind comparison fields dimension level m u adjustment weight leftOut total valuesA valuesB } } }`

test('explains a match: each step to the weight, with the compared values', async () => {
  const { explain } = await queryData(gateway, EXPLAIN, {
    a: of('billing', 'N'),
    b: of('crm', 'N'),
  })
  assert.equal(explain.verdict, 'TOGETHER')
  assert.equal(explain.because, 'what the two have in common is enough')
  assert.deepEqual(explain.a.record, { id: of('crm', 'N'), name: 'Nordwind Logistik GmbH' })
  assert.equal(explain.steps[0].kind, 'PRIOR')
  assert.equal(explain.steps.at(-1).total, explain.weight)
  assert.ok(Math.abs(explain.probability - 1 / (1 + 2 ** -explain.weight)) < 1e-12)
  assert.equal(Math.fround(explain.weight), Math.fround(explain.linkWeight))
  const name = explain.steps.find((s: { comparison: string }) => s.comparison === 'name')
  assert.deepEqual(name.fields, ['name', 'legalName', 'tradingNames'])
  assert.deepEqual(
    [name.valuesA, name.valuesB],
    [{ name: 'Nordwind Logistik' }, { name: 'Nordwind Logistik GmbH' }],
  )
  assert.ok(name.m > name.u && name.weight > 5)
  const address = explain.steps.find((s: { comparison: string }) => s.comparison === 'address')
  assert.deepEqual([address.level, address.weight, address.m], ['missing', 0, null])
})

test('explains a non-match: nothing in common, a possible match, or an assertion of a steward', async () => {
  const strangers = await queryData(gateway, EXPLAIN, { a: of('crm', 'L'), b: of('erp', 'W') })
  assert.equal(strangers.explain.verdict, 'APART')
  assert.match(strangers.explain.because, /no blocking key/)
  assert.equal(strangers.explain.linkWeight, null)
  assert.ok(strangers.explain.weight < strangers.explain.linkThreshold)

  const maybe = await queryData(gateway, EXPLAIN, { a: of('crm', 'T'), b: of('billing', 'T') })
  assert.equal(maybe.explain.verdict, 'POSSIBLE_MATCH')
  assert.match(maybe.explain.because, /under the threshold/)
  assert.ok(
    maybe.explain.weight >= maybe.explain.linkThreshold &&
      maybe.explain.weight < maybe.explain.threshold,
  )

  const ada = person('ada', 'steward')
  const action = await done(directPipeline(db.sql), ada, {
    kind: 'NOT_A_MATCH',
    ids: [of('crm', 'T'), of('billing', 'T')],
  })
  const { explain } = await queryData(gateway, EXPLAIN, {
    a: of('crm', 'T'),
    b: of('billing', 'T'),
  })
  assert.equal(explain.verdict, 'FORBIDDEN')
  assert.deepEqual(
    explain.assertions.map((s: { kind: string; actor: string; action: object }) => [
      s.kind,
      s.actor,
      s.action,
    ]),
    [['NOT_SAME', 'ada', { id: action, kind: 'NOT_A_MATCH' }]],
  )
  await done(directPipeline(db.sql), ada, { kind: 'UNDO', action })
  const again = await queryData(gateway, EXPLAIN, { a: of('crm', 'T'), b: of('billing', 'T') })
  assert.equal(again.explain.verdict, 'POSSIBLE_MATCH')
  assert.deepEqual(again.explain.assertions, [])
})

test('a golden id stands for the whole golden record, unless the other id is one of its own records', async () => {
  const whole = await queryData(gateway, EXPLAIN, { a: of('crm', 'N'), b: of('crm', 'F') })
  assert.equal(whole.explain.pairsCompared, 6)
  const records = await queryData(gateway, EXPLAIN, {
    a: of('crm', 'N'),
    b: of('crm', 'F'),
    whole: false,
  })
  assert.equal(records.explain.pairsCompared, 1)
  assert.deepEqual([records.explain.a.id, records.explain.b.id], [of('crm', 'N'), of('crm', 'F')])
  assert.ok(whole.explain.weight >= records.explain.weight)
})

test('states the reason where no explanation is possible', async () => {
  const code = async (a: string, b: string) => (await query(gateway, EXPLAIN, { a, b })).errors?.[0]
  const nowhere = crypto.randomUUID()
  for (const [a, b, expected, says] of [
    [of('crm', 'N'), nowhere, 'UNKNOWN_ID', nowhere],
    ['no id', of('crm', 'N'), 'UNKNOWN_ID', 'no id'],
    [of('crm', 'N'), of('crm', 'N').toUpperCase(), 'SAME_RECORD', 'two records'],
    [of('crm', 'N'), key('crm', 'Product', 'P'), 'DIFFERENT_TYPES', 'Customer and .* Product'],
    [of('crm', 'N'), key('billing', 'Invoice', 'I'), 'NOT_MATCHED', 'Invoice'],
  ] as const) {
    const error = await code(a, b)
    assert.equal(error?.extensions.code, expected)
    assert.match(error?.message ?? '', new RegExp(says))
  }
  for (const text of [
    `possibleMatches(of: "${nowhere}") { nodes { reason } }`,
    `clusterStory(id: "${nowhere}") { cut }`,
  ])
    assert.equal((await query(gateway, `{ ${text} }`)).errors?.[0]?.extensions.code, 'UNKNOWN_ID')
  const tooMany = await query(
    gateway,
    `{ possibleMatches(of: "${of('crm', 'T')}", first: 201) { nodes { reason } } }`,
  )
  assert.equal(tooMany.errors?.[0]?.extensions.code, 'PAGE_TOO_LARGE')
  const cursor = await query(
    gateway,
    `{ clusterStory(id: "${of('crm', 'N')}") { links(after: "x") { nodes { a } } } }`,
  )
  assert.equal(cursor.errors?.[0]?.extensions.code, 'BAD_CURSOR')
})

test('lists possible matches best first, by pages, with their tasks and explanations', async () => {
  await ingestRecords(
    db.sql,
    similar.slice(1).map((fields, i) => customer('erp', `T${i}`, { ...fields })),
  )
  const POSSIBLE = `query ($of: ID!, $first: Int, $after: String) { possibleMatches(of: $of, first: $first, after: $after) {
    nodes { goldenId weight probability reason since record { ... on Customer { name } } task { id kind open } explanation { verdict weight linkWeight } }
    pageInfo { hasNextPage endCursor } } }`
  const all = (await queryData(gateway, POSSIBLE, { of: of('crm', 'T'), first: 100 }))
    .possibleMatches.nodes
  assert.ok(all.length > 0)
  assert.deepEqual(
    all.map((n: { weight: number }) => n.weight),
    all.map((n: { weight: number }) => n.weight).toSorted((x: number, y: number) => y - x),
  )
  for (const n of all) {
    assert.equal(n.task.open, true)
    assert.equal(Math.fround(n.explanation.weight), Math.fround(n.weight))
    assert.equal(n.explanation.verdict, 'POSSIBLE_MATCH')
    assert.match(n.record.name, /Tamarind/)
  }
  const paged: object[] = []
  let after: string | null = null
  do {
    const page: GraphQLResponse['data'] = (
      await queryData(gateway, POSSIBLE, { of: of('crm', 'T'), first: 1, after })
    ).possibleMatches
    paged.push(...page.nodes)
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
  } while (after)
  assert.deepEqual(paged, all)
  const LAST = `query ($of: ID!, $before: String) { possibleMatches(of: $of, last: 1, before: $before) { totalCount
    nodes { goldenId } pageInfo { startCursor hasPreviousPage } } }`
  const back: string[] = []
  let before: string | null = null
  do {
    const page: GraphQLResponse['data'] = (
      await queryData(gateway, LAST, { of: of('crm', 'T'), before })
    ).possibleMatches
    assert.equal(page.totalCount, all.length)
    back.unshift(page.nodes[0].goldenId)
    before = page.pageInfo.hasPreviousPage ? page.pageInfo.startCursor : null
  } while (before)
  assert.deepEqual(
    back,
    all.map((n: { goldenId: string }) => n.goldenId),
  )
})

test('a possibly related record is shown with its pair, and is neither a possible match nor unrelated', async () => {
  const house = {
    phones: ['+496912345678'],
    domains: ['halvard.example'],
    billingAddress: {
      street: 'Mainzer Landstr. 7',
      city: 'Frankfurt',
      postcode: '60325',
      country: 'DE',
    },
  }
  await ingestRecords(db.sql, [
    customer('crm', 'H1', { name: 'Halvard Holding GmbH', ...house }),
    customer('crm', 'H2', { name: 'Halvard Logistics GmbH', ...house }),
    customer('erp', 'H1', { name: 'Halvard Holding', ...house }),
  ])
  const { possiblyRelated } = await queryData(
    gateway,
    `{ possiblyRelated(of: "${of('erp', 'H1')}") { nodes { goldenId probability record { ... on Customer { name } }
      explanation { verdict relatedProbability probability } } pageInfo { hasNextPage } } }`,
  )
  const [sister, ...others] = possiblyRelated.nodes
  assert.deepEqual(others, [])
  assert.deepEqual(
    [sister.goldenId, sister.record.name],
    [of('crm', 'H2'), 'Halvard Logistics GmbH'],
  )
  assert.ok(sister.probability > 0.5)
  assert.deepEqual(
    [sister.explanation.verdict, sister.explanation.relatedProbability],
    ['POSSIBLY_RELATED', sister.probability],
  )
  const none = await queryData(
    gateway,
    `{ possiblyRelated(of: "${of('crm', 'L')}") { nodes { goldenId } } }`,
  )
  assert.deepEqual(none.possiblyRelated.nodes, [])
})

const STORY = `query ($id: ID!) { clusterStory(id: $id) { type goldenId record { id } memberCount cut model
  members { nodes { id system record { id } } }
  links { nodes { a b weight explanation { weight linkWeight } } }
  joins { nodes { because a b sizeA sizeB weight link { weight } } }
  refusals { nodes { goldenId reason } }
  assertions { nodes { kind a b actor } }
  history { nodes { op goldenId joined left redirect system action { kind } } pageInfo { hasNextPage endCursor } } } }`

test('the story of a golden record: members, links, joins in order, assertions of stewards, merges and splits', async () => {
  const { clusterStory: alone } = await queryData(gateway, STORY, { id: of('billing', 'N') })
  assert.equal(alone.goldenId, of('crm', 'N'))
  assert.deepEqual(
    alone.members.nodes.map((m: { system: string }) => m.system),
    ['crm', 'billing', 'erp'],
  )
  assert.equal(alone.joins.nodes.length, 2)
  assert.deepEqual(
    [alone.joins.nodes[1].sizeA + alone.joins.nodes[1].sizeB, alone.joins.nodes[1].because],
    [3, 'EVIDENCE'],
  )
  for (const l of alone.links.nodes)
    assert.equal(Math.fround(l.explanation.weight), Math.fround(l.weight))

  const ada = person('ada', 'steward')
  const merge = { kind: 'MERGE' as const, ids: [of('crm', 'L'), of('erp', 'W')], choices: [] }
  const action = await done(directPipeline(db.sql), ada, merge)
  const { clusterStory: merged } = await queryData(gateway, STORY, { id: of('erp', 'W') })
  assert.equal(merged.goldenId, of('crm', 'L'))
  assert.deepEqual(merged.joins.nodes, [
    {
      because: 'ASSERTION',
      a: merged.joins.nodes[0].a,
      b: merged.joins.nodes[0].b,
      sizeA: 1,
      sizeB: 1,
      weight: null,
      link: null,
    },
  ])
  assert.deepEqual(
    merged.assertions.nodes.map((s: { kind: string; actor: string }) => [s.kind, s.actor]),
    [['SAME', 'ada']],
  )
  const steps = merged.history.nodes.map(
    (h: { op: string; goldenId: string; joined: string[]; left: string[] }) => [
      h.op,
      h.goldenId,
      h.joined,
      h.left,
    ],
  )
  assert.deepEqual(
    steps.slice(0, 2).toSorted(),
    [
      ['MERGED', of('crm', 'L'), [of('erp', 'W')], []],
      ['MERGED', of('erp', 'W'), [], [of('erp', 'W')]],
    ].toSorted(),
  )
  assert.deepEqual(
    steps.slice(2).map(([op]: [string]) => op),
    ['CREATED', 'CREATED'],
  )
  assert.equal(merged.history.nodes[0].action.kind, 'MERGE')
  assert.equal(merged.history.nodes[0].system, 'stewardship')
  const why = await queryData(gateway, EXPLAIN, { a: of('crm', 'L'), b: of('erp', 'W') })
  assert.deepEqual(
    [why.explain.verdict, why.explain.because],
    ['TOGETHER', 'a steward declared them the same'],
  )

  await done(directPipeline(db.sql), ada, { kind: 'UNDO', action })
  const { clusterStory: back } = await queryData(gateway, STORY, { id: of('erp', 'W') })
  assert.deepEqual(
    [back.goldenId, back.joins.nodes, back.assertions.nodes],
    [of('erp', 'W'), [], []],
  )
  assert.deepEqual(
    [back.history.nodes[0].op, back.history.nodes[0].joined],
    ['SPLIT', [of('erp', 'W')]],
  )

  const paged = await queryData(
    gateway,
    `{ clusterStory(id: "${of('crm', 'N')}") { members(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } } } }`,
  )
  const { nodes, pageInfo } = paged.clusterStory.members
  assert.deepEqual([nodes.length, pageInfo.hasNextPage], [2, true])
  const rest = await queryData(
    gateway,
    `{ clusterStory(id: "${of('crm', 'N')}") { members(first: 2, after: "${pageInfo.endCursor}") { nodes { id } pageInfo { hasNextPage } } } }`,
  )
  assert.deepEqual(
    [rest.clusterStory.members.nodes, rest.clusterStory.members.pageInfo],
    [[{ id: of('erp', 'N') }], { hasNextPage: false }],
  )
})

const SAMPLE = `query ($count: Int! = 100, $seed: Int! = 1) { labelSample(type: "Customer", count: $count, seed: $seed) {
  type answered unsure open threshold share precision { share low high } recall { share low high }
  pairs { answer a { id system sourceId values } b { id values } } } }`
const ANSWER = 'mutation ($answers: [LabelInput!]!) { answerLabels(answers: $answers) }'

test('a steward labels stored pairs without their weights; the answers are stated and merge nothing', async () => {
  type Side = { id: string; system: string; values: { name: string } }
  type Pair = { a: Side; b: Side; answer: string | null }
  const sampled = async (variables: object = {}) =>
    (await queryData(gateway, SAMPLE, variables)).labelSample
  const first = await sampled()
  const pairs: Pair[] = first.pairs
  const named = (ids: string[]) =>
    pairs.filter(({ a, b }) => ids.includes(a.id) && ids.includes(b.id))
  const nordwinds = named([of('crm', 'N'), of('billing', 'N'), of('erp', 'N')])
  const tamarinds = named([of('crm', 'T'), of('billing', 'T')])
  assert.deepEqual([nordwinds.length, tamarinds.length], [3, 1])
  assert.deepEqual([first.open, first.answered, first.share], [pairs.length, 0, 1])
  assert.deepEqual([first.precision, first.recall], [null, null])
  assert.equal(nordwinds[0]?.a.values.name.slice(0, 8), 'Nordwind')
  assert.deepEqual((await sampled({ seed: 2 })).pairs.length, pairs.length)
  const two: Pair[] = (await sampled({ count: 2 })).pairs
  const idsOf = ({ a, b }: Pair) => `${a.id} ${b.id}`
  assert.ok(two.length === 2 && two.every((p) => pairs.some((q) => idsOf(q) === idsOf(p))))

  const goldenBefore = await db.sql`select key, golden_id from source_record order by key`
  const answers = pairs.map(({ a, b }) => ({
    a: b.id,
    b: a.id.toUpperCase(),
    answer: 'SAME',
  }))
  const store = async (given: object[]) =>
    (await queryData(gateway, ANSWER, { answers: given })).answerLabels
  assert.equal(await store(answers), pairs.length)
  assert.equal(await store(answers), 0, 'an answer is stored once')
  const [one] = nordwinds
  assert.equal(await store([{ a: one?.a.id, b: one?.b.id, answer: 'UNSURE' }]), 1)
  const after = await sampled()
  assert.deepEqual([after.open, after.unsure], [0, 1])
  assert.equal(
    after.pairs.find((p: Pair) => p.a.id === one?.a.id && p.b.id === one?.b.id).answer,
    'UNSURE',
  )
  assert.equal(after.precision.share, 1)
  assert.ok(after.recall.share < 1 && after.recall.low < after.recall.share)
  const [label] = await db.sql`select actor, type from match_label limit 1`
  assert.deepEqual(label, { actor: 'development', type: 'Customer' })
  assert.deepEqual(
    await db.sql`select key, golden_id from source_record order by key`,
    goldenBefore,
  )
  await assert.rejects(
    db.sql`insert into match_label (a, b, type, answer, actor) values (${of('crm', 'N')}, ${of('crm', 'N')}, 'Customer', 'SAME', 'x')`,
  )
})

test('the pairs of a large type are drawn from a random part of it', async () => {
  await db.sql`
    insert into golden (id, type, version, state, values, provenance, policy_version, position, created_at, updated_at)
    select md5(n::text)::uuid, 'Product', 1, 'ACTIVE', '{}', '{}', '', 0, now(), now()
    from generate_series(1, 12000) n`
  try {
    const text = '{ labelSample(type: "Product") { share pairs { answer } } }'
    const { labelSample } = await queryData(gateway, text)
    assert.ok(Math.abs(labelSample.share - 5_000 / 12_001) < 0.02, `${labelSample.share}`)
    assert.deepEqual(labelSample.pairs, [])
  } finally {
    await db.sql`delete from golden where policy_version = ''`
  }
})

test('labels are refused with the reason', async () => {
  const code = async (text: string, variables: object) => {
    const { errors } = await query(gateway, text, variables)
    return errors?.[0]?.extensions?.code
  }
  const [a, b] = [of('crm', 'N'), of('billing', 'N')]
  const answer = (x: string, y: string) => ({ answers: [{ a: x, b: y, answer: 'SAME' }] })
  assert.equal(await code(ANSWER, answer(a, a)), 'SAME_RECORD')
  assert.equal(await code(ANSWER, answer(a, 'nobody')), 'UNKNOWN_ID')
  assert.equal(await code(ANSWER, answer(a, key('crm', 'Product', 'P'))), 'DIFFERENT_TYPES')
  assert.equal(await code(ANSWER, { answers: [] }), 'TOO_MANY_IDS')
  assert.equal(await code(SAMPLE, { count: 501 }), 'TOO_MANY_IDS')
  assert.equal(await code('{ labelSample(type: "Invoice") { open } }', {}), 'NOT_MATCHED')
  const samples = [1, 2, 3, 4, 5].map(
    (n) => `s${n}: labelSample(type: "Contact", seed: ${n}) { open }`,
  )
  assert.equal(await code(`{ ${samples.slice(1)} }`, {}), undefined)
  assert.equal(await code(`{ ${samples} }`, {}), 'TOO_MANY_IDS')
  assert.equal(await code(ANSWER, answer(a, b)), undefined)
})

test('an explanation hides values that the caller may not see', async () => {
  const subgraph = createStewardshipSubgraph(directPipeline(db.sql), unbound(db.sql))
  const ask = async (scopes: string[]) => {
    const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set(scopes) })
    const text = `{ explain(a: "${of('crm', 'F')}", b: "${of('billing', 'F')}") { weight steps { comparison level weight valuesA valuesB } } }`
    const { data, errors } = await execute({
      schema: subgraph.schema,
      document: parse(text),
      contextValue,
    })
    assert.equal(errors, undefined)
    return JSON.stringify(data)
  }
  const masked = await ask([])
  assert.doesNotMatch(masked, /hello@|79460033/)
  assert.match(masked, /Blue Fen Ltd/)
  assert.match(await ask(['pii:read']), /hello@bluefen\.example.*\+442079460033/)
  // Which pairs are drawn depends on compared values, so labels need all of them.
  for (const text of [
    '{ labelSample(type: "Customer") { open pairs { a { values } } } }',
    `mutation { answerLabels(answers: [{ a: "${of('crm', 'F')}", b: "${of('billing', 'F')}", answer: SAME }]) }`,
  ])
    for (const scopes of [[], ['pii:read']]) {
      const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set(scopes) })
      const document = parse(text)
      const { errors } = await execute({ schema: subgraph.schema, document, contextValue })
      assert.equal(errors?.[0]?.extensions?.code, scopes.length > 0 ? undefined : 'MISSING_SCOPE')
    }
})

test('the reason of a cannot-link hides values of sensitive fields', () => {
  const model = `type Person @golden { id: ID! passport: String @compare(as: IDENTIFIER) @sensitive(scope: "pii:read")
    register: String @compare(as: IDENTIFIER) }`
  const type = parsePolicy([
    new Source(
      `"A person." ${model.replaceAll(/(id|passport|register):/g, '"A field." $1:')}`,
      'person.graphql',
    ),
  ]).type('Person')
  const about = (field: string) => `${field}: 79927398713 and 49927398716, both valid LUHN numbers`
  assert.equal(visibleReason(type, about('passport'), new Set(['pii:read'])), about('passport'))
  assert.doesNotMatch(visibleReason(type, about('passport'), new Set()), /\d/)
  assert.equal(visibleReason(type, about('register'), new Set()), about('register'))
})
