import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePath } from '../../connectors/mapping/path.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { codeOf, readOne, withMapping } from './fixture.ts'

const customers = (fields: string, more = '') => `objects:
  customers:
    as: Customer
    id: id
    version: changed
    fields:
      name: name
${fields}${more}`

const map = (mapping: string, row: Record<string, unknown>) =>
  readOne(withMapping(mapping), 'row', row, 'customers').canonical

test('rejects a mistake with file, line and what is allowed', () => {
  const cases: [string, RegExp][] = [
    [
      customers('      nmae: x\n'),
      /m0\.yaml:8: unknown field "nmae" of Customer \(did you mean name\?\); it has kind,/,
    ],
    [
      customers('      phones: { form: phone }\n'),
      /m0\.yaml:8: unknown key "form" in a rule; allowed are from,/,
    ],
    [
      customers('      phones: { from: phone, as: telephone }\n'),
      /m0\.yaml:8: unknown form "telephone"; allowed are text,/,
    ],
    [
      customers('      phones: { from: phone, as: number }\n'),
      /m0\.yaml:8: as: number does not fit/,
    ],
    [
      customers('      lifecycle: { from: s, map: { a: LEAD, b: CUSTMER } }\n'),
      /m0\.yaml:8: "CUSTMER" is not a value of LifecycleStage; allowed are LEAD,/,
    ],
    [customers('      lifecycle: { constant: lead }\n'), /m0\.yaml:8: "lead" is not a value/],
    [
      customers('      parent: { ref: custmers, from: p }\n'),
      /m0\.yaml:8: unknown object "custmers"; the mapping has customers/,
    ],
    [customers('      parent: parent_id\n'), /m0\.yaml:8: a reference is written \{ref:/],
    [
      customers('      billingAddress: { stret: s }\n'),
      /m0\.yaml:8: unknown field "stret" of Address; it has street,/,
    ],
    [
      customers('      billingAddress: s\n'),
      /m0\.yaml:8: a Address is written as a map of its fields/,
    ],
    [
      customers('      name: "a[b"\n').replace('      name: name\n', ''),
      /m0\.yaml:7: "a\[b" is not a path/,
    ],
    [
      customers('      taxIds: { from: t, split: "" }\n'),
      /m0\.yaml:8: split: must be the text between/,
    ],
    [
      customers('      legalName: { from: t, split: "," }\n'),
      /m0\.yaml:8: split: is for list fields/,
    ],
    [
      customers('      legalName: { from: t, extract: "(" }\n'),
      /m0\.yaml:8: not a regular expression/,
    ],
    [customers('      legalName: []\n'), /m0\.yaml:8: a list of alternatives must not be empty/],
    [
      customers('').replace('as: Customer', 'as: Custommer'),
      /m0\.yaml:3: unknown type "Custommer"; allowed are/,
    ],
    [
      customers('').replace('      name: name\n', '      kind: k\n'),
      /m0\.yaml:2: customers is mapped as Customer, which needs a rule for "name"/,
    ],
    [customers('').replace('    id: id\n', ''), /m0\.yaml:2: customers needs id:/],
    [
      customers('').replace('    id: id\n', '    idd: id\n'),
      /m0\.yaml:4: unknown key "idd" in the object customers; allowed are as,/,
    ],
    [
      customers('').replace('objects:', 'objekts:'),
      /m0\.yaml:1: unknown key "objekts" in a mapping; allowed are/,
    ],
    [customers('', 'dates: YMD\n'), /m0\.yaml:8: dates: "YMD" is not one of DMY, MDY/],
    [
      customers('').replace('version: changed', 'version: { join: [a] }'),
      /m0\.yaml:5: version: must be a path, a list of paths, or \{join: \[date, time\]/,
    ],
    [customers('', 'numbers: de\n'), /m0\.yaml:8: numbers: "de" is not one of POINT, COMMA/],
    [customers('', 'zone: Berlin\n'), /m0\.yaml:8: zone: "Berlin" is not a time zone/],
    [
      customers('', 'placeholders: { x: 1 }\n'),
      /m0\.yaml:8: placeholders: "x" is true for a missing value/,
    ],
    [customers('', 'placeholders: [x]\n'), /m0\.yaml:8: placeholders: must be a map of texts/],
    [customers('', 'kept: { Customers: }\n'), /is a name of both/],
    [customers('      name: other\n'), /m0\.yaml:8: .*unique/i],
    ['- a\n', /m0\.yaml:1: a mapping must be a map of names/],
    [
      'objects:\n  inv:\n    as: Invoice\n    id: id\n    fields:\n      total: amount\n',
      /m0\.yaml:6: an amount is written \{major: path, currency: path\}/,
    ],
    [
      'objects:\n  inv:\n    as: Invoice\n    id: id\n    fields:\n      total: { major: a, minor: b, currency: c }\n',
      /m0\.yaml:6: an amount is written/,
    ],
  ]
  for (const [text, expected] of cases)
    assert.throws(
      () => withMapping(text),
      (e: unknown) => {
        assert.ok(e instanceof ConfigError, String(e))
        assert.match(e.message, expected)
        return true
      },
      text,
    )
})

test('rejects a reference to an object of another type than the field has', () => {
  const text = `${customers('      parent: { ref: people, from: p }\n')}  people:\n    as: Contact\n    id: id\n    fields: { name: n }\n`
  assert.throws(
    () => withMapping(text),
    /m0\.yaml:8: the field refers to a Customer, but people is mapped as Contact/,
  )
  const invoices =
    'objects:\n  inv:\n    as: Invoice\n    id: id\n    fields:\n      customer: { ref: inv, from: c }\n'
  assert.throws(
    () => withMapping(invoices),
    /m0\.yaml:6: the field refers to a Customer, but inv is mapped as Invoice/,
  )
})

test('merges an overlay field by field, and reports its mistakes in its own file', () => {
  const base = customers('      legalName: legal\n      accountOwner: owner\n')
  const overlay =
    'objects:\n  customers:\n    aliases: [clients]\n    fields:\n      legalName: register_name\n      accountOwner: null\n      paymentTerms: terms\nkept: { visits: }\n'
  assert.throws(
    () => withMapping(base, 'objects:\n  customers:\n    fields:\n      oops: x\n'),
    /m1\.yaml:4: unknown field "oops"/,
  )
  assert.throws(() => withMapping(base, overlay), /m1\.yaml:8: visits needs id:/)
  const shop = withMapping(base, overlay.replace('{ visits: }', '{ visits: { id: nr } }'))
  assert.deepEqual(shop.objects, [
    { name: 'customers', as: 'Customer' },
    { name: 'visits', as: 'Kept' },
  ])
  const { canonical } = readOne(
    shop,
    'row',
    { id: 1, name: 'A', legal: 'L', register_name: 'R', owner: 'O', terms: 'T' },
    'Clients',
  )
  assert.deepEqual(canonical.fields, { name: 'A', legalName: 'R', paymentTerms: 'T' })
})

test('ignores case and underscores in field names, and prefers the exact name', () => {
  const mapping = customers('      legalName: legalName\n')
  for (const row of [
    { ID: 1, NAME: 'A', LEGALNAME: 'B' },
    { id: 1, name: 'A', legal_name: 'B' },
    { Id: 1, Name: 'A', legalName: 'B', LEGALNAME: 'C' },
  ])
    assert.deepEqual(map(mapping, row).fields, { name: 'A', legalName: 'B' })
})

test('names with dots, brackets, blanks and quotes are written in quotes', () => {
  const record = {
    'Kd.-Nr.': 'K1',
    'Ziel [Tage]': '30',
    'say "x"': 'y',
    'a.b': {
      'c[0]': [
        { 'd.e': '1', v: 'one' },
        { 'd.e': '2', v: 'two' },
      ],
    },
  }
  const read = (path: string) =>
    compilePath(path).all({ root: record, item: record, cache: new Map() })
  for (const path of ['"Kd.-Nr."', "'Kd.-Nr.'", '["Kd.-Nr."]', '$["Kd.-Nr."]', '$."kd.-nr."'])
    assert.deepEqual(read(path), ['K1'], path)
  assert.deepEqual(read('"Ziel [Tage]"'), ['30'])
  assert.deepEqual(read('"say ""x"""'), ['y'])
  assert.deepEqual(read('"a.b"["c[0]"][].v'), ['one', 'two'])
  assert.deepEqual(read('"a.b"."c[0]"[1].v'), ['two'])
  assert.deepEqual(read('["a.b"]["c[0]"]["d.e"=2].v'), ['two'])
  for (const path of ['Kd.-Nr.', 'Ziel [Tage]', '"open', 'a..b', '""', 'a["b"c]', 'a[0]b'])
    assert.throws(() => compilePath(path), /is not a path: .*in quotes: '"/, path)
})

test('a field whose whole name is the text of a path comes before the path', () => {
  const read = (path: string, record: object) =>
    compilePath(path).first({ root: record, item: record, cache: new Map() })
  assert.equal(read('Account.Name', { ACCOUNT_NAME: 'x', 'account.name': 'flat' }), 'flat')
  assert.equal(read('Account.Name', { Account: { Name: 'deep' } }), 'deep')
  assert.equal(read('Firma lt. HR', { 'Firma lt. HR': 'A' }), 'A')
  assert.equal(read('$.items[0]', { 'items[0]': 'B', items: ['C'] }), 'B')
  assert.equal(
    read('"Account"."Name"', { 'Account.Name': 'flat', Account: { Name: 'deep' } }),
    'deep',
  )
})

test('applies alternatives, join, extract, map, split, constant, otherwise and when', () => {
  const mapping =
    customers(`      legalName: [a, { join: [b, c], with: "-" }, { from: d, extract: '^\\d+ (.+)$' }]
      lifecycle: { from: stage, map: { "cust*": CUSTOMER, lost: FORMER, nothing: null }, otherwise: LEAD }
      taxIds: { from: taxes, split: ";" }
      accountOwner: { from: owner, when: { region: [north, south] } }
      currency: { constant: EUR }
      emails: ["contacts[main=true].mail", "contacts[].mail", extra]
`)
  const fields = (row: Record<string, unknown>) => map(mapping, { id: 1, name: 'N', ...row }).fields
  assert.equal(fields({ a: ' ', b: 'x', c: 'y' }).legalName, 'x-y')
  assert.equal(fields({ a: '', b: '', c: 'y', d: '12 Z' }).legalName, 'y')
  assert.equal(fields({ d: '12 Z' }).legalName, 'Z')
  assert.equal(fields({ d: 'Z' }).legalName, undefined)
  assert.equal(fields({ stage: 'Customer' }).lifecycle, 'CUSTOMER')
  assert.equal(fields({ stage: 'LOST' }).lifecycle, 'FORMER')
  assert.equal(fields({ stage: 'else' }).lifecycle, 'LEAD')
  assert.equal(fields({}).lifecycle, 'LEAD')
  assert.deepEqual(fields({ taxes: 'de 1; at 2;;de 1' }).taxIds, ['DE 1', 'AT 2'])
  assert.equal(fields({ owner: 'O', region: 'NORTH' }).accountOwner, 'O')
  assert.equal(fields({ owner: 'O', region: 'east' }).accountOwner, undefined)
  assert.equal(fields({}).currency, 'EUR')
  const contacts = [
    { mail: 'b@x.de', main: false },
    { mail: 'a@x.de', main: true },
  ]
  assert.deepEqual(fields({ contacts, extra: 'C@x.de' }).emails, ['a@x.de', 'b@x.de', 'c@x.de'])
})

test('selects an element by a value below it, in lists too; the whole name of a field comes first', () => {
  const read = (path: string, record: object) =>
    compilePath(path).all({ root: record, item: record, cache: new Map() })
  const record = {
    places: {
      results: [
        { city: 'A', use: { results: [{ kind: 'HOME' }] } },
        { city: 'B', use: { results: [{ kind: 'HOME' }, { kind: 'BILL' }] } },
        { city: 'C', use: 'none' },
        { city: 'D', 'use.results.kind': 'BILL' },
      ],
    },
  }
  assert.deepEqual(read('places.results[use.results.kind=BILL].city', record), ['B', 'D'])
  assert.deepEqual(read('places.results[use.results.kind=HOME].city', record), ['A', 'B'])
  assert.deepEqual(read('places.results["use.results.kind"=BILL].city', record), ['D'])
})

test('a group takes the first of several lists that has an element, and mixes none', () => {
  const mapping = customers(`      billingAddress:
        each: ["places[kind=BILL]", "places[0]"]
        street: street
        city: city
`)
  const address = (...places: object[]) =>
    map(mapping, { id: 1, name: 'N', places }).fields.billingAddress
  const home = { kind: 'HOME', street: 'S 1', city: 'A' }
  assert.deepEqual(address(home, { kind: 'BILL', city: 'B' }), { city: 'B' })
  assert.deepEqual(address(home), { street: 'S 1', city: 'A' })
  assert.equal(address(), undefined)
})

test('a list of groups has the elements of each path', () => {
  const made = withMapping(`objects:
  customer: { as: Customer, id: id, fields: { name: name } }
  agreement:
    as: Contract
    id: id
    fields: { number: id, lines: { each: ["rows[type=plan]", "rows[type=addon]"], quantity: n } }
`)
  const rows = [
    { type: 'addon', n: 2 },
    { type: 'charge', n: 3 },
    { type: 'plan', n: 1 },
  ]
  assert.deepEqual(readOne(made, 'row', { id: 1, rows }, 'agreement').canonical.fields.lines, [
    { quantity: 1 },
    { quantity: 2 },
  ])
})

test('a condition may ask for any value, or for none', () => {
  const mapping = `objects:
  customers:
    as: Customer
    id: id
    deleted: [{ number: "", category: ["1", "2"], "roles[role=BUYER].role": "" }]
    fields:
      name: name
      accountOwner: { from: owner, when: { number: "*" } }
`
  const made = withMapping(mapping)
  const row = (record: object) =>
    readOne(made, 'row', { id: 1, name: 'N', owner: 'O', ...record }, 'customers')
  assert.equal(row({ number: 7 }).canonical.fields.accountOwner, 'O')
  for (const number of ['', null, undefined])
    assert.equal(row({ number }).canonical.fields.accountOwner, undefined)
  assert.equal(row({ category: '1' }).change.deleted, true)
  assert.equal(row({ category: '1', number: 7 }).change.deleted, false)
  assert.equal(row({ category: '1', roles: [{ role: 'X' }] }).change.deleted, true)
  assert.equal(row({ category: '1', roles: [{ role: 'BUYER' }] }).change.deleted, false)
  assert.equal(row({}).change.deleted, false)
})

test('a deletion without a record deletes derived objects of the same id too', () => {
  const made = withMapping(`objects:
  plans:
    as: Subscription
    id: id
    fields: { status: state }
  contracts:
    as: Contract
    of: plans
    when: number
    id: number
    fields: { number: number }
  people:
    as: Contact
    of: plans
    when: { category: "1" }
    fields: { name: name }
every: { id: id }
`)
  const read = (event: object) =>
    made
      .read('event', JSON.stringify({ object: 'plans', ...event }), null)
      .map((c) => [c.object, c.sourceId, c.deleted])
  assert.deepEqual(read({ type: 'upsert', record: { id: 1, number: 'C1' } }), [
    ['plans', '1', false],
    ['contracts', 'C1', false],
  ])
  assert.deepEqual(read({ type: 'upsert', id: '1', record: { number: 'C1' } }), [
    ['plans', '1', false],
    ['contracts', 'C1', false],
  ])
  assert.deepEqual(read({ type: 'delete', id: '1' }), [
    ['plans', '1', true],
    ['people', '1', true],
  ])
})

test('reports a code that its map lacks as an issue; a code mapped to null is none', () => {
  const mapping = customers(
    '      lifecycle: { from: stage, map: { lead: LEAD, internal: null } }\n',
  )
  assert.deepEqual(
    map(mapping, { id: 1, name: 'N', stage: 'whatever' }).issues.map((i) => [i.field, i.code]),
    [['lifecycle', 'UNKNOWN_CODE']],
  )
  assert.deepEqual(map(mapping, { id: 1, name: 'N', stage: 'internal' }).issues, [])
})

test('leaves invalid optional values out with an issue; a missing required one makes the record incomplete', () => {
  const mapping = `objects:
  contracts:
    as: Contract
    id: id
    fields:
      number: no
      startDate: from
      termMonths: months
      value: { major: value, currency: cur }
      status: { from: state, map: { a: ACTIVE } }
`
  const { canonical } = readOne(
    withMapping(mapping),
    'row',
    { id: 1, from: '2026-02-30', months: 'twelve', value: '12.3456', cur: 'EUR', state: 'b' },
    'contracts',
  )
  assert.equal(canonical.complete, false)
  assert.deepEqual(canonical.issues.map((i) => `${i.field} ${i.code}`).sort(), [
    'number REQUIRED',
    'startDate INVALID_DATE',
    'status UNKNOWN_CODE',
    'termMonths INVALID_NUMBER',
    'value ROUNDED',
  ])
  assert.deepEqual(canonical.fields, { value: { minorUnits: 1235, currency: 'EUR' } })
})

test('leaves out amounts without a valid currency or beyond 2^53, with an issue', () => {
  const mapping = `objects:
  invoices:
    as: Invoice
    id: id
    fields:
      total: { major: total, currency: cur }
      balance: { minor: balance, currency: cur }
`
  const invoice = (row: Record<string, unknown>) =>
    readOne(withMapping(mapping), 'row', { id: 1, ...row }, 'invoices').canonical
  assert.deepEqual(invoice({ total: '1.5', balance: 150, cur: 'kwd' }).fields, {
    total: 1500,
    balance: 150,
  })
  assert.deepEqual(
    invoice({ total: 2, cur: 'XXQ' }).issues.map((i) => i.code),
    ['INVALID_CURRENCY'],
  )
  assert.deepEqual(
    invoice({ total: 2 }).issues.map((i) => i.code),
    ['INVALID_CURRENCY'],
  )
  assert.deepEqual(
    invoice({ total: '1e300', cur: 'EUR' }).issues.map((i) => i.code),
    ['INVALID_AMOUNT'],
  )
  assert.deepEqual(
    invoice({ total: 'free', cur: 'EUR' }).issues.map((i) => i.code),
    ['INVALID_AMOUNT'],
  )
  assert.deepEqual(invoice({ total: 0, cur: 'EUR' }).fields, { total: 0 })
})

test('maps references to record keys, in the same and in another source system', () => {
  const mapping = customers('      parent: { ref: customers, from: p }\n      legalName: x\n')
  assert.equal(
    map(mapping, { id: 1, name: 'N', p: 7 }).fields.parent,
    recordKey('shop', 'customers', '7'),
  )
  const elsewhere = customers('      parent: { ref: Account, source: salesforce, from: crm_id }\n')
  assert.equal(
    map(elsewhere, { id: 1, name: 'N', crm_id: 'A1' }).fields.parent,
    recordKey('salesforce', 'Account', 'A1'),
  )
  assert.equal(map(mapping, { id: 1, name: 'N', p: '' }).fields.parent, undefined)
})

test('reports texts and lists that are too long, and replaced characters', () => {
  const mapping = customers('      emails: mails[]\n      accountOwner: owner\n')
  const long = map(mapping, { id: 1, name: 'x'.repeat(501), owner: 'y'.repeat(501) })
  assert.equal(long.complete, false)
  assert.deepEqual(
    long.issues.map((i) => `${i.field} ${i.code}`),
    ['name TOO_LONG', 'name REQUIRED'],
  )
  assert.equal(
    long.fields.accountOwner,
    'y'.repeat(501),
    'only compared fields have the short bound',
  )
  const many = map(mapping, {
    id: 1,
    name: 'N',
    mails: Array.from({ length: 300 }, (_, i) => `m${i}@x.de`),
  })
  assert.equal((many.fields.emails as string[]).length, 200)
  assert.deepEqual(
    many.issues.map((i) => i.code),
    ['TOO_MANY_VALUES'],
  )
  const [change] = withMapping(mapping).read(
    'row',
    '{"id":1,"name":"A\\u0000B\\ud800"}',
    'customers',
  )
  const cleaned = withMapping(mapping).map('customers', change?.raw ?? {})
  assert.equal(cleaned.fields.name, 'A\ufffdB\ufffd')
  assert.deepEqual(
    cleaned.issues.map((i) => i.code),
    ['REPLACED_CHARACTER'],
  )
})

test('never throws, whatever a field holds', () => {
  const shop = withMapping(
    customers(`      lifecycle: { from: v, map: { a: LEAD } }
      emails: [v, "v[]", "v.a"]
      phones: { from: [v], country: v }
      domains: v
      currency: v
      billingAddress: { street: v, country: v }
      parent: { ref: customers, from: v }
      kind: v
`),
  )
  const values = [
    null,
    true,
    0,
    -1,
    1e308,
    '',
    ' ',
    '\ufffd',
    'x'.repeat(100_000),
    [],
    [[]],
    [null],
    {},
    { a: { a: 1 } },
    [1, 'a', {}],
    '{',
    '{"a":1}',
    '{"a":',
    '+',
    '\u202e',
  ]
  for (const v of values)
    assert.equal(
      shop.map('customers', { id: 1, name: 'N', v }).type,
      'Customer',
      JSON.stringify(v)?.slice(0, 40),
    )
})

test('rejects messages without an id, with a long id, an unknown object or an invalid version', () => {
  const shop = withMapping(customers(''))
  const code = (row: unknown, object = 'customers') =>
    codeOf(() => shop.read('row', JSON.stringify(row), object))
  assert.equal(code({ name: 'A' }), 'MISSING_ID')
  assert.equal(code({ id: ' ', name: 'A' }), 'MISSING_ID')
  assert.equal(code({ id: {}, name: 'A' }), 'MISSING_ID')
  assert.equal(code({ id: 'x'.repeat(256), name: 'A' }), 'ID_TOO_LONG')
  assert.equal(code({ id: 1 }, 'custmers'), 'UNKNOWN_OBJECT')
  assert.equal(code({ id: 1, changed: 'yesterday' }), 'INVALID_VERSION')
  assert.equal(code({ id: 1, changed: '2026-02-30' }), 'INVALID_VERSION')
  assert.equal(
    codeOf(() => shop.read('row', '["a","b"]', 'customers')),
    'NOT_AN_OBJECT',
  )
  assert.equal(
    codeOf(() => shop.read('row', '{"id":1', 'customers')),
    'BROKEN_JSON',
  )
  assert.equal(
    codeOf(() => shop.read('row', '{"id":1}', null)),
    'NO_OBJECT',
  )
})

test('reads the version in the order and the zone of the source', () => {
  const version = (top: string, changed: unknown) =>
    readOne(
      withMapping(`${top}${customers('')}`),
      'row',
      { id: 1, name: 'N', changed },
      'customers',
    ).change.version
  const at = (iso: string) => BigInt(Date.parse(iso)) * 1000n
  assert.equal(version('dates: MDY\n', '10/4/2025 5:02 pm'), at('2025-10-04T17:02:00Z'))
  assert.equal(version('dates: DMY\n', '10/4/2025 5:02 pm'), at('2025-04-10T17:02:00Z'))
  assert.equal(version('zone: Europe/Berlin\n', '2025-07-01 12:00'), at('2025-07-01T10:00:00Z'))
  const joined = (row: Record<string, unknown>) =>
    readOne(
      withMapping(
        customers('').replace(
          'version: changed',
          'version: [{ join: [day, clock], with: "" }, other]',
        ),
      ),
      'row',
      { id: 1, name: 'N', ...row },
      'customers',
    ).change.version
  assert.equal(joined({ day: '20251004', clock: '170203' }), at('2025-10-04T17:02:03Z'))
  assert.equal(joined({ day: '20251004', clock: '' }), at('2025-10-04T00:00:00Z'))
  assert.equal(
    joined({ day: '00000000', clock: '000000', other: '2025-01-01' }),
    at('2025-01-01T00:00:00Z'),
  )
  for (const none of ['NULL', '0000-00-00 00:00:00', '-', 'n/a', ''])
    assert.equal(version('', none), null, none)
  assert.equal(
    codeOf(() => version('', '10/4/2025')),
    'INVALID_VERSION',
  )
  const [event] = withMapping(`dates: MDY\n${customers('')}`).read(
    'event',
    JSON.stringify({
      object: 'customers',
      type: 'upsert',
      id: 1,
      version: '10/4/2025',
      record: {},
    }),
    null,
  )
  assert.equal(event?.version, at('2025-10-04T00:00:00Z'))
})

test('deletes by any time, and reports a flag that is neither true nor false', () => {
  const read = (deleted: string, flag: unknown) => {
    const mapping = customers('').replace('id: id', `id: id\n    deleted: ${deleted}`)
    const { change, canonical } = readOne(
      withMapping(mapping),
      'row',
      { id: 1, name: 'N', flag, deleted_at: flag },
      'customers',
    )
    return `${change.deleted} ${canonical.issues.map((i) => `${i.field} ${i.code}`).join()}`.trim()
  }
  for (const value of [
    'X',
    'true',
    'Ja',
    1,
    '2025-08-02 10:00:00',
    1754128800,
    '20250802',
    'Deleted',
  ])
    assert.equal(read('flag', value), 'true', String(value))
  for (const value of ['', null, 'NULL', '#N/A', '-', 0, 'false', 'N', 'active', '0000-00-00'])
    assert.equal(read('deleted_at', value), 'false', String(value))
  assert.equal(read('deleted_at', '9999-12-31'), 'false', 'never')
  for (const value of ['perhaps', 2, 'inactive', 'E', {}])
    assert.equal(read('flag', value), 'false flag INVALID_FLAG', String(value))
  assert.equal(read('deleted_at', '1970-01-01T00:00:00Z'), 'false deleted_at INVALID_FLAG')
  assert.equal(read('deleted_at', 'last week'), 'true deleted_at INVALID_FLAG')
  for (const value of ['10/4/2025', '13/10/2025', '10/13/2025', '2025-10-04 17:02 CST'])
    assert.equal(read('flag', value), 'true', `${value} is a time, whenever it is`)
  assert.equal(read('[{ flag: [D, gone] }]', 'Gone'), 'true')
  assert.equal(read('[{ flag: [D, gone] }]', 'A'), 'false')
})

test('knows a field of a time of deletion by its name', () => {
  const deleted = (name: string) => {
    const mapping = customers('').replace('id: id', `id: id\n    deleted: "${name}"`)
    const row = { id: 1, name: 'N', [name]: 'last week' }
    return readOne(withMapping(mapping), 'row', row, 'customers').change.deleted
  }
  for (const name of [
    'deleted_at',
    'deletedAt',
    'DELETED_AT',
    'Deleted On',
    'DeletionDate',
    'removed_on',
  ])
    assert.equal(deleted(name), true, name)
  for (const name of ['deleted', 'is_deleted', 'flat', 'LOEVM', 'version', 'status'])
    assert.equal(deleted(name), false, name)
})

test('explains a deletion flag that is neither true nor false', () => {
  const mapping = customers('').replace('id: id', 'id: id\n    deleted: flag')
  const step = withMapping(mapping)
    .explain('customers', { id: 1, name: 'N', flag: 'perhaps' })
    .at(-1)
  assert.equal(step?.field, 'deleted')
  assert.match(step?.line ?? '', /m0\.yaml:5/)
  assert.match(step?.issues[0]?.detail ?? '', /"perhaps" is neither true, false nor a time/)
})

test('reads ambiguous numbers by the separator that the mapping sets', () => {
  const price = (top: string, value: unknown) => {
    const mapping = `${top}objects:\n  p:\n    as: Product\n    id: id\n    fields:\n      name: name\n      listPrice: { major: price, currency: cur }\n`
    const { fields, issues } = readOne(
      withMapping(mapping),
      'row',
      { id: 1, name: 'N', price: value, cur: 'EUR' },
      'p',
    ).canonical
    return issues[0]?.detail ?? (fields.listPrice as { minorUnits: number } | undefined)?.minorUnits
  }
  assert.equal(price('numbers: COMMA\n', '1.234'), 123_400)
  assert.equal(price('numbers: POINT\n', '1,234'), 123_400)
  assert.match(String(price('', '1,234')), /"1,234" is either 1\.234 or 1234; write numbers: POINT/)
  assert.equal(price('', 'n/a'), undefined)
  assert.match(String(price('', '$5')), /"\$5" is not a number/)
})

test('passes over a placeholder as if the field were empty', () => {
  const mapping = customers(`      legalName: [legal, alias]
      tradingNames: { from: aka, split: "|" }
      kind: { from: kind, map: { n/a: PERSON }, otherwise: ORGANISATION }
      paymentTerms: { from: terms, otherwise: Net 30 }
      billingAddress: { street: { join: [street, no], with: " " }, region: region, country: country }
      parent: { ref: customers, from: parent }
`)
  const { fields, issues } = map(mapping, {
    id: 1,
    name: 'Unknown Ltd',
    legal: '#N/A',
    alias: 'Null AG',
    aka: 'TBD|Acme|-',
    kind: 'N/A',
    terms: 'unknown',
    street: 'Main St',
    no: 'NULL',
    region: 'NA',
    country: 'NA',
    parent: 'null',
  })
  assert.deepEqual(fields, {
    name: 'Unknown Ltd',
    legalName: 'Null AG',
    tradingNames: ['Acme'],
    kind: 'PERSON',
    paymentTerms: 'Net 30',
    billingAddress: { street: 'Main St', region: 'NA', country: 'NA' },
  })
  assert.deepEqual(issues, [])
  assert.equal(map(mapping, { id: 1, name: 'None' }).complete, false)
  assert.equal(
    codeOf(() => map(mapping, { id: 'NULL', name: 'N' })),
    'MISSING_ID',
  )
})

test('keeps people called Null', () => {
  const mapping = `objects:
  people:
    as: Contact
    id: id
    fields: { name: [full, { join: [first, last] }], givenName: first, surname: last }
`
  const person = (row: Record<string, unknown>) =>
    readOne(withMapping(mapping), 'row', { id: 1, ...row }, 'people').canonical.fields
  assert.deepEqual(person({ first: 'Jennifer', last: 'Null' }), {
    name: 'Jennifer Null',
    givenName: 'Jennifer',
    surname: 'Null',
  })
  assert.deepEqual(person({ first: 'NULL', last: 'Na' }), { surname: 'Na' }, 'no whole name')
  assert.deepEqual(person({ full: 'Jennifer Null', first: 'n/a', last: 'Unknown' }), {
    name: 'Jennifer Null',
  })
  assert.deepEqual(person({ first: 'None', last: 'None' }).name, undefined)
})

test('takes own placeholders and values from the mapping', () => {
  const mapping = `placeholders: { zzz: true, None: false }\n${customers('      legalName: legal\n')}`
  assert.deepEqual(map(mapping, { id: 1, name: 'None', legal: ' ZZZ ' }).fields, { name: 'None' })
  const long = 'Ask the sales department for the name of this customer'
  assert.deepEqual(
    map(`placeholders: { ${long}: true }\n${customers('      legalName: legal\n')}`, {
      id: 1,
      name: 'A',
      legal: long,
    }).fields,
    { name: 'A' },
  )
})

test('finds fields, codes and ids in any Unicode form', () => {
  const mapping = customers(`      legalName: "stra\u00dfe_\u00f6"
      kind: { from: art, map: { Pers\u00f6nlich: PERSON } }
      parent: { ref: customers, from: p }
`)
  const { change, canonical } = readOne(
    withMapping(mapping),
    'row',
    {
      id: ' A\u200b1\u00e9'.normalize('NFD'),
      name: 'N',
      'Stra\u00dfeo\u0308': 'L',
      art: 'perso\u0308nlich',
      p: 'e\u0301',
    },
    'customers',
  )
  assert.equal(change.sourceId, 'A1\u00e9')
  assert.deepEqual(canonical.fields, {
    name: 'N',
    legalName: 'L',
    kind: 'PERSON',
    parent: recordKey('shop', 'customers', '\u00e9'),
  })
})

test('reads dates with slashes in the order that the mapping sets', () => {
  const mapping = (top: string) =>
    `${top}objects:\n  c:\n    as: Contract\n    id: id\n    fields: { number: no, startDate: d }\n`
  const start = (top: string) =>
    readOne(withMapping(mapping(top)), 'row', { id: 1, no: 'N', d: '03/01/2026' }, 'c').canonical
      .fields.startDate
  assert.equal(start('dates: DMY\n'), '2026-01-03')
  assert.equal(start('dates: MDY\n'), '2026-03-01')
  assert.equal(start(''), undefined)
})
