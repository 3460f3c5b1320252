import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from 'graphql'
import { PolicyError } from '../../schema/directives.ts'
import { parsePolicy, readPolicy } from '../../schema/readPolicy.ts'

const read = (sdl: string, systems?: string[]) =>
  parsePolicy([new Source(sdl, 'model/thing.graphql')], systems)

test('orders types after those they compare by reference', () => {
  const policy = readPolicy('schema/model')
  const names = policy.types.map((t) => t.name)
  assert.deepEqual([...names].sort(), ['Contact', 'Contract', 'Customer', 'Product'])
  assert.ok(names.indexOf('Customer') < names.indexOf('Contact'))
  assert.ok(names.indexOf('Customer') < names.indexOf('Contract'))
  const terms = policy.type('Customer').fields.find((f) => f.name === 'paymentTerms')
  assert.deepEqual(terms?.systemOfRecord, [
    { order: ['CRM'], when: { field: 'lifecycle', in: ['LEAD', 'PROSPECT'] } },
    { order: ['ERP'] },
  ])
  const emails = policy.type('Customer').fields.find((f) => f.name === 'emails')
  assert.equal(emails?.sensitive, 'pii:read')
  assert.equal(emails?.survive, 'UNION')
})

test('finds a description at every type, field, group and enum value of the model', () => {
  const policy = readPolicy('schema/model')
  const bare = [
    ...[...policy.types, ...policy.groups.values()].flatMap((t) => [
      ...(t.description ? [] : [t.name]),
      ...t.fields.filter((f) => !f.description).map((f) => `${t.name}.${f.name}`),
    ]),
    ...[...policy.enums]
      .filter(
        ([name]) => !['Comparator', 'Survivorship', 'Format', 'RowRight', 'Mask'].includes(name),
      )
      .flatMap(([name, e]) =>
        e.values.filter((v) => !v.description).map((v) => `${name}.${v.name}`),
      ),
  ]
  assert.deepEqual(bare, [])
})

test('derives the version from the content only', () => {
  const a = read('type T @golden {\n id: ID!\n name: String @compare(as: NAME)\n}')
  const b = read('# a comment\ntype T @golden { id: ID! name: String @compare(as: NAME) }')
  const c = read('type T @golden { id: ID! name: String @compare(as: TEXT) }')
  assert.equal(a.version, b.version)
  assert.notEqual(a.version, c.version)
})

// Each mistake, the line of its report, and part of the correction.
const mistakes: [what: string, sdl: string, line: number, right: RegExp][] = [
  [
    'an unknown comparator',
    'type T @golden {\n  id: ID!\n  a: String @compare(as: FUZZY)\n}',
    3,
    /allowed are PERSON_NAME/,
  ],
  [
    'an unknown survivorship rule',
    'type T @golden {\n  id: ID!\n  a: String\n    @survive(by: NEWEST)\n}',
    4,
    /MOST_RECENT/,
  ],
  ['an unknown format', 'type T @golden {\n  id: ID!\n  a: String @format(as: ZIP)\n}', 3, /EMAIL/],
  [
    'an unknown directive',
    'type T @golden {\n  id: ID!\n  a: String @owner(by: "x")\n}',
    3,
    /@systemOfRecord/,
  ],
  [
    'an unknown argument',
    'type T @golden {\n  id: ID!\n  a: String @compare(as: NAME, with: "x")\n}',
    3,
    /it takes as, group/,
  ],
  [
    'a cost that is no number',
    'type T @golden(falseMergeCost: "ten") {\n  id: ID!\n  a: String\n}',
    1,
    /is a number, not "ten"/,
  ],
  [
    'a cost out of bounds',
    'type T @golden(falseMergeCost: 0) {\n  id: ID!\n  a: String\n}',
    1,
    /a number from 0.1 to 1000, not 0/,
  ],
  [
    'a missing argument',
    'type T @golden {\n  id: ID!\n  a: String @compare\n}',
    3,
    /needs the argument "as"/,
  ],
  [
    'an unknown field in a condition',
    'type T @golden {\n  id: ID!\n  a: String @systemOfRecord(when: {field: "b", in: ["x"]}, order: [CRM])\n}',
    3,
    /T has a/,
  ],
  [
    'an unknown value in a condition',
    'enum E { X }\ntype T @golden {\n  id: ID!\n  e: E\n  a: String @systemOfRecord(when: {field: "e", in: ["Y"]}, order: [CRM])\n}',
    5,
    /allowed are X/,
  ],
  [
    'an unknown part of a condition',
    'type T @golden {\n  id: ID!\n  a: String @systemOfRecord(when: {field: "b", in: ["x"], on: 1}, order: [CRM])\n  b: String\n}',
    3,
    /field: and in:, each once; not "on"/,
  ],
  [
    'a part of a condition twice',
    'type T @golden {\n  id: ID!\n  a: String @systemOfRecord(when: {field: "b", field: "c", in: ["x"]}, order: [CRM])\n  b: String\n  c: String\n}',
    3,
    /each once; not "field"/,
  ],
  [
    'a control character in the name of a group',
    'type T @golden {\n  id: ID!\n  a: String @compare(as: NAME, group: "a\\n\\u001b[31m")\n}',
    3,
    /none of them a control character/,
  ],
  [
    'an empty order',
    'type T @golden {\n  id: ID!\n  a: String @systemOfRecord(order: [])\n}',
    3,
    /CRM, BILLING/,
  ],
  ['an unknown type', 'type T @golden {\n  id: ID!\n  a: Strin\n}', 3, /use ID, String/],
  [
    'a union of a single value',
    'type T @golden {\n  id: ID!\n  a: String @survive(by: UNION)\n}',
    3,
    /is for lists/,
  ],
  [
    'a reference to a scalar',
    'type T @golden {\n  id: ID!\n  a: String @compare(as: REFERENCE)\n}',
    3,
    /for golden types/,
  ],
  [
    'a format of a number',
    'type T @golden {\n  id: ID!\n  a: Int @format(as: EMAIL)\n}',
    3,
    /T.a: @format is for texts, and DATE for dates too; Int is neither/,
  ],
  [
    'a format of an enum, a reference or a group',
    'enum E { X }\ntype G @group { a: Int }\ntype T @golden {\n  id: ID!\n  a: G @format(as: PHONE)\n}',
    5,
    /G is neither/,
  ],
  [
    'another format than DATE of a date',
    'type T @golden {\n  id: ID!\n  a: [Date] @format(as: GTIN)\n}',
    3,
    /Date is neither/,
  ],
  [
    'a reference that is compared as a text',
    'type T @golden {\n  id: ID!\n  a: T @compare(as: NAME)\n}',
    3,
    /T.a: a reference is compared as REFERENCE/,
  ],
  [
    'a group that is compared as a text',
    'type G @group { a: Int }\ntype T @golden {\n  id: ID!\n  a: G @compare(as: TEXT)\n}',
    4,
    /a group is compared as ADDRESS or PRICE/,
  ],
  ...['@compare(as: NAME)', '@systemOfRecord(order: [CRM])', '@survive(by: LONGEST)', '@approval']
    .concat('@rows(by: REGION)')
    .map((d): [string, string, number, RegExp] => [
      `${d} at a field of a group`,
      `type T @golden { id: ID! g: G }\ntype G @group {\n  a: String ${d}\n}`,
      3,
      /^model.thing.graphql:3:13: @\w+ has no meaning on a field of a group; allowed are @format, @sensitive$/,
    ]),
  [
    'a type that is neither golden nor a group',
    'type T @golden { id: ID! }\ntype U {\n  a: String\n}',
    2,
    /@golden nor @group/,
  ],
  [
    'types that compare by reference to each other',
    'type A @golden { id: ID! b: B @compare(as: REFERENCE) }\ntype B @golden { id: ID! a: A @compare(as: REFERENCE) }',
    1,
    /one must resolve first/,
  ],
  [
    'circular ownership',
    'type T @golden {\n  id: ID!\n  a: String @systemOfRecord(when: {field: "b", in: ["x"]}, order: [CRM])\n  b: String @systemOfRecord(when: {field: "a", in: ["x"]}, order: [CRM])\n}',
    1,
    /a -> b -> a/,
  ],
  [
    'a field that every object has',
    'type T @golden {\n  id: ID!\n  constructor: String\n}',
    3,
    /choose another/,
  ],
  [
    'a field that every object has, in a group',
    'type T @golden {\n  id: ID!\n a: G }\ntype G @group {\n toString: String }',
    5,
    /G.toString/,
  ],
  ['a type that every object has', 'type hasOwnProperty @golden { id: ID! }', 1, /choose another/],
  [
    'a type whose lookup every object has',
    'enum E { A }\ntype ToString @golden { id: ID! }',
    2,
    /name toString already/,
  ],
  [
    'a code that every object has',
    'type T @golden { id: ID! e: E }\nenum E {\n  A\n  valueOf\n}',
    4,
    /E.valueOf/,
  ],
  [
    'a name reserved by GraphQL',
    'type T @golden {\n  id: ID!\n  __proto__: String\n}',
    3,
    /GraphQL itself/,
  ],
  [
    'a type that is defined twice',
    'type T @golden { id: ID! }\ntype T @golden { id: ID! }',
    2,
    /defined twice/,
  ],
  ['broken SDL', 'type T @golden {\n  id: ID!\n  a String\n}', 3, /Expected ":"/],
]
for (const [what, sdl, line, right] of mistakes)
  test(`rejects ${what} with file, line and what is allowed`, () => {
    assert.throws(
      () => read(sdl),
      (e: unknown) => {
        assert.ok(e instanceof PolicyError)
        assert.ok(new RegExp(`^model/thing.graphql:${line}:\\d+: `).test(e.message), e.message)
        assert.match(e.message, right)
        return true
      },
    )
  })

test('rejects a system of record that is neither a role nor a configured source system', () => {
  const sdl =
    'type T @golden {\n  id: ID!\n  a: String @systemOfRecord(order: [CRM, "crm-emea"])\n}'
  assert.throws(
    () => read(sdl, ['stripe']),
    /model\/thing.graphql:3:13: "crm-emea" is neither a role nor .* stripe/,
  )
  assert.ok(read(sdl, ['crm-emea']))
})

test('rejects a model without golden types', () => {
  assert.throws(() => read('enum E { X }'), /no type of the model has @golden/)
})

test('reads the row rights of a type from @rows, and rejects contradictions with their line', () => {
  const rows = (fields: string, type = '') =>
    parsePolicy([
      new Source(
        `type Firm @golden { id: ID! land: Land @rows(by: REGION, part: "code") books: [String!] @rows(by: LEGAL_ENTITY) }
         type Land @group { code: String zone: Int }
         type Thing @golden ${type} { id: ID! name: String ${fields} }`,
        'm.graphql',
      ),
    ])
  const of = (fields: string, type?: string) => rows(fields, type).type('Thing').rows
  assert.deepEqual(rows('').type('Firm').rows, {
    by: 'VALUES',
    region: ['land', 'code'],
    legalEntities: 'books',
  })
  assert.equal(of(''), undefined)
  assert.deepEqual(of('', '@rows(by: EVERYONE)'), { by: 'EVERYONE' })
  assert.deepEqual(of('firm: Firm @rows(by: REFERENCE)'), { by: 'REFERENCE', field: 'firm' })
  assert.deepEqual(of('area: String @rows(by: REGION)'), { by: 'VALUES', region: ['area'] })
  for (const [fields, type] of [
    ['firm: Firm @rows(by: REFERENCE) area: String @rows(by: REGION)', ''],
    ['areas: [String!] @rows(by: REGION)', ''],
    ['land: Land @rows(by: REGION)', ''],
    ['land: Land @rows(by: REGION, part: "nowhere")', ''],
    ['size: Int @rows(by: LEGAL_ENTITY)', ''],
    ['area: String @rows(by: EVERYONE)', ''],
    ['area: String @rows(by: REGION)', '@rows(by: EVERYONE)'],
    ['', '@rows(by: REGION)'],
    ['other: Thing @rows(by: REFERENCE)', ''],
  ] as const)
    assert.throws(
      () => of(fields, type),
      /^PolicyError: m\.graphql:3:\d+: .*@rows/,
      `${fields} ${type}`,
    )
})
