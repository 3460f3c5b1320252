import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ExecutionResult, execute, parse } from 'graphql'
import { fillSearch, typesToFill } from '../../mdm/search/fillSearch.ts'
import { createSearchSubgraph } from '../../subgraphs/search/subgraph.ts'
import { unbound } from '../../subgraphs/shared/context.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { directPipeline, policy } from '../fixtures/store.ts'
import { ingestRecords, key, type WorldRecord, world } from './world.ts'

const names: Record<string, string> = {
  altenhammer: 'Altenhammer Bäckerei GmbH',
  altenhammerNord: 'Altenhammer Bäckerei Nord',
  strasse: 'Straßenbau Größe AG',
  soren: 'Søren Ørsted ApS',
  izmir: 'İzmir Işık Tekstil',
  athens: 'Αθηναϊκή Ζυθοποιία',
  moscow: 'Московский Завод',
  tokyo: '東京商事株式会社',
  osaka: '大阪商事株式会社',
  arabic: 'شركة النور للتجارة',
  muller: 'Müller Maschinenbau',
  percent: '100% Bio _Hof_ O\'Neill "Co" \\ Sons',
}
const companies: WorldRecord[] = Object.entries(names).map(([id, name]) => ({
  source: 'crm',
  type: 'Customer',
  id,
  fields: { name },
}))

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, [...world, ...companies])
})
after(async () => await db?.drop())

const all = ['pii:read']
const nordwind = key('crm', 'Customer', 'C1')
const anna = key('crm', 'Contact', 'P1')

async function ask(
  text: string,
  {
    scopes = all,
    types = null,
    first = 20,
    after = null,
  }: { scopes?: string[]; types?: string[] | null; first?: number; after?: string | null } = {},
): Promise<ExecutionResult> {
  const subgraph = createSearchSubgraph({ sqlOf: unbound(db.sql), policy })
  const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set(scopes) })
  return await execute({
    schema: subgraph.schema,
    document: parse(`query ($text: String!, $types: [String!], $first: Int, $after: String) {
      search(text: $text, types: $types, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { goldenId type match score field value sourceRecord { id system object sourceId } record { id } } } }`),
    contextValue,
    variableValues: { text, types, first, after },
  })
}

interface Node {
  goldenId: string
  match: string
  score: number
  field: string | null
  value: string | null
  sourceRecord: { system: string; sourceId: string } | null
}

async function hits(text: string, options: Parameters<typeof ask>[1] = {}): Promise<Node[]> {
  const { data, errors } = await ask(text, options)
  assert.equal(errors, undefined, JSON.stringify(errors))
  return JSON.parse(JSON.stringify(data)).search.nodes
}
const ids = async (text: string, options: Parameters<typeof ask>[1] = {}) =>
  (await hits(text, options)).map((h) => h.goldenId)
const company = (id: string) => key('crm', 'Customer', id)

describe('ids', () => {
  test('finds a record by its golden id and by the key of a source record', async () => {
    for (const id of [nordwind, nordwind.toUpperCase(), key('erp', 'Customer', 'E1')]) {
      const [hit, ...others] = await hits(id)
      assert.deepEqual([hit?.goldenId, hit?.match, others.length], [nordwind, 'ID', 0])
    }
  })

  test('finds a record by the id of a source record, and names its system', async () => {
    const [hit] = await hits('b1')
    assert.deepEqual([hit?.goldenId, hit?.match, hit?.score], [nordwind, 'SOURCE_ID', 1])
    assert.deepEqual(
      [hit?.sourceRecord?.system, hit?.sourceRecord?.sourceId, hit?.field, hit?.value],
      ['billing', 'B1', null, null],
    )
    assert.deepEqual((await ids('altenhammerN')).slice(0, 1), [company('altenhammerNord')])
  })

  test('an identifier is found however it is punctuated, whole before its beginning', async () => {
    for (const text of ['DE136695976', 'de 136 695 976', 'DE-136.695.976']) {
      const [hit] = await hits(text)
      assert.deepEqual(
        [hit?.goldenId, hit?.match, hit?.field, hit?.value],
        [nordwind, 'EQUAL', 'taxIds', 'DE136695976'],
      )
    }
    assert.equal((await hits('DE1366'))[0]?.match, 'PREFIX')
    // A number with an error is another number.
    assert.deepEqual(await ids('DE136695977'), [])
  })
})

describe('folding', () => {
  for (const [text, id] of [
    ['altenhammer', 'altenhammer'],
    ['STRASSENBAU', 'strasse'],
    ['strassenbau grosse', 'strasse'],
    ['Soren Orsted', 'soren'],
    ['SØREN', 'soren'],
    ['izmir isik', 'izmir'],
    ['İZMİR', 'izmir'],
    ['αθηναϊκη', 'athens'],
    ['ΑΘΗΝΑΪΚΗ', 'athens'],
    ['МОСКОВСКИЙ', 'moscow'],
    ['moskovskiy', 'moscow'],
    ['東京', 'tokyo'],
    ['東京商事', 'tokyo'],
    ['النور', 'arabic'],
    ['muller', 'muller'],
    ['Mueller', 'muller'],
    ['MÜLLER', 'muller'],
    ['100% bio', 'percent'],
    ["o'neill", 'percent'],
  ] as const)
    test(`"${text}" finds ${names[id]}`, async () => {
      assert.equal((await ids(text))[0], company(id))
    })

  test('characters of equal sound come after those that were typed', async () => {
    assert.deepEqual((await ids('商事')).sort(), [company('osaka'), company('tokyo')].sort())
    assert.equal((await ids('大阪'))[0], company('osaka'))
  })
})

describe('ranking', () => {
  test('a whole value comes before its beginning, and that before words and errors', async () => {
    await ingestRecords(
      db.sql,
      ['Kessler', 'Kessler Druck', 'Druckerei Kessler', 'Gessler'].map((name, n) => ({
        source: 'crm',
        type: 'Customer',
        id: `rank-${n}`,
        fields: { name },
      })),
    )
    const found = await hits('kessler')
    assert.deepEqual(
      found.map((h) => [h.value, h.match]),
      [
        ['Kessler', 'EQUAL'],
        ['Kessler Druck', 'PREFIX'],
        ['Druckerei Kessler', 'WORDS'],
        ['Gessler', 'SIMILAR'],
      ],
    )
    assert.ok(found.every((h, n) => n === 0 || h.score < (found[n - 1]?.score ?? 0)))
  })

  test('words of several values count together, and a word that no record has is forgiven', async () => {
    assert.equal((await ids('nordwind hamburg'))[0], nordwind)
    assert.equal((await ids('logistik hamburg 20457'))[0], nordwind)
    assert.equal((await ids('altenhammer bäckerei kg')).length, 2)
    assert.equal((await ids('casa lupo spa'))[0], company('C2'))
  })
})

describe('typing errors', () => {
  for (const [text, id] of [
    ['altenhamer', 'altenhammer'],
    ['altnehammer bäckerie', 'altenhammer'],
    ['mascinenbau', 'muller'],
    ['hammer', 'altenhammer'],
    ['sörensen', null],
    ['strasenbau', 'strasse'],
  ] as const)
    test(`"${text}" finds ${id === null ? 'nothing' : names[id]}`, async () => {
      const found = await ids(text)
      assert.equal(id === null ? found.length : found.includes(company(id)), id === null ? 0 : true)
    })
})

describe('texts that could act in a statement', () => {
  for (const text of [
    '%',
    '_',
    '\\',
    '',
    '   ',
    "'",
    '"',
    '*',
    ':*',
    '!',
    '&',
    '|',
    '\u0000',
    '🙂',
    '=',
    '()',
  ])
    test(`${JSON.stringify(text)} finds nothing`, async () => {
      assert.deepEqual(await ids(text), [])
    })
  for (const text of [
    "'; drop table golden; --",
    "nordwind' | 'x",
    'nordwind & !nordwind',
    'nordwind:*',
    '%nordwind%',
    'nord_wind\\',
    'a'.repeat(200),
    `nordwind ${'x '.repeat(90)}`,
    '\ud800nordwind',
  ])
    test(`${JSON.stringify(text).slice(0, 40)} is text`, async () => {
      await hits(text)
    })
  test('a text of more characters is refused', async () => {
    const { errors } = await ask('a'.repeat(201))
    assert.equal(errors?.[0]?.extensions.code, 'BAD_FILTER')
    assert.match(errors?.[0]?.message ?? '', /201 characters; at most 200/)
  })
})

describe('rights', () => {
  test('a value that needs a scope neither finds a record nor ranks it', async () => {
    const texts = [
      'anna weber',
      'anna@nordwind.example',
      'anna',
      'sales@nordwind.example',
      '+493012345678',
    ]
    for (const text of texts) {
      assert.notDeepEqual(await ids(text), [], text)
      const found = await hits(text, { scopes: [] })
      assert.ok(
        found.every((h) => h.goldenId !== anna && h.field !== 'emails' && h.field !== 'phones'),
        `${text}: ${JSON.stringify(found)}`,
      )
    }
    // What is found by open values has the same score for both.
    const seen = (await hits('nordwind logistik gmbh')).find((h) => h.goldenId === nordwind)
    const [unseen] = await hits('nordwind logistik gmbh', { scopes: [] })
    assert.deepEqual([unseen?.score, unseen?.value], [seen?.score, seen?.value])
  })

  test('the golden type limits what is found, and an unknown one is refused', async () => {
    assert.deepEqual(await ids('weber', { types: ['Product'] }), [])
    assert.deepEqual(await ids('weber', { types: ['Contact'] }), [anna])
    const { errors } = await ask('weber', { types: ['Planet'] })
    assert.match(errors?.[0]?.message ?? '', /no golden type Planet; there are /)
  })
})

describe('pages', () => {
  test('neither skip nor repeat a hit', async () => {
    const whole = await ids('bäckerei gmbh')
    const pages: string[] = []
    let after: string | null = null
    do {
      const { data, errors } = await ask('bäckerei gmbh', { first: 1, after })
      assert.equal(errors, undefined)
      const page = JSON.parse(JSON.stringify(data)).search
      assert.equal(page.totalCount, whole.length)
      for (const n of page.nodes) pages.push(n.goldenId)
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
    } while (after)
    assert.deepEqual(pages, whole)
  })
})

describe('changes', () => {
  const record = (version: number, name: string, deleted = false): WorldRecord => ({
    source: 'crm',
    type: 'Customer',
    id: 'changing',
    version,
    deleted,
    fields: { name },
  })

  test('a record is found by its new text and no longer by the old one', async () => {
    await ingestRecords(db.sql, [record(1, 'Vorherig Papier')])
    assert.deepEqual(await ids('vorherig'), [company('changing')])
    await ingestRecords(db.sql, [record(2, 'Nachherig Papier')])
    assert.deepEqual(await ids('nachherig'), [company('changing')])
    assert.equal(
      (await hits('vorherig')).find((h) => h.match !== 'SIMILAR'),
      undefined,
    )
  })

  test('a deleted record is not found, and an absorbed one leads to its survivor', async () => {
    await ingestRecords(db.sql, [record(3, 'Nachherig Papier', true)])
    assert.deepEqual(await ids('nachherig'), [])
    assert.deepEqual(await ids('changing'), [])
    assert.deepEqual(await ids(company('changing')), [])
    const [{ n } = { n: -1 }] = await db.sql<{ n: number }[]>`
      select count(*)::int as n from search_text where golden_id = ${company('changing')}`
    assert.equal(n, 0)
    assert.deepEqual(await ids('E1'), [nordwind])
  })

  test('the words are written in the transaction that changes the record', async () => {
    const [{ wrong } = { wrong: -1 }] = await db.sql<{ wrong: number }[]>`
      select count(*)::int as wrong from golden g where g.state = 'ACTIVE'
        and not exists (select from search_text t where t.golden_id = g.id)
        or g.state <> 'ACTIVE' and exists (select from search_text t where t.golden_id = g.id)`
    assert.equal(wrong, 0)
  })
})

describe('a store from before there was a search', () => {
  test('refuses until it is filled, and finds the same afterwards', async () => {
    const pipeline = directPipeline(db.sql)
    await fillSearch(db.sql, pipeline.policy)
    const read = async () =>
      (await db.sql`select golden_id, scopes, type, words from search_text order by 1, 2`).map(
        String,
      )
    const stored = await read()
    await db.sql`delete from search_text`
    await db.sql`delete from search_word`
    await db.sql`update search_fill set layout = '', next = null, complete = false`
    const { errors } = await ask('nordwind')
    assert.equal(errors?.[0]?.extensions.code, 'SEARCH_NOT_READY')
    assert.equal((await typesToFill(db.sql, policy)).length, policy.types.length)
    const steps: unknown[] = []
    assert.ok((await fillSearch(db.sql, policy, (sofar) => steps.push(sofar))) > 10)
    assert.ok(steps.length >= policy.types.length)
    assert.deepEqual(await read(), stored)
    assert.deepEqual(await typesToFill(db.sql, policy), [])
    assert.equal(await fillSearch(db.sql, policy), 0)
    assert.equal((await ids('nordwind logistik gmbh'))[0], nordwind)
  })

  test('a fill that stops goes on where it was', async () => {
    await db.sql`update search_fill set layout = 'old', complete = true where type = 'Customer'`
    assert.deepEqual(await typesToFill(db.sql, policy), ['Customer'])
    // The words of the old layout serve meanwhile.
    assert.equal((await ids('nordwind logistik gmbh'))[0], nordwind)
    await fillSearch(db.sql, policy)
    assert.deepEqual(await typesToFill(db.sql, policy), [])
  })
})
