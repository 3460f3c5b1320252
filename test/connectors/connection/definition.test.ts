import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { compileTemplate } from '../../../connectors/connection/definition/template.ts'
import { timeText } from '../../../connectors/connection/definition/timeForm.ts'
import { readDefinition } from '../../../connectors/connection/definition.ts'
import { idValues } from '../../../connectors/connection/pull/context.ts'
import { objectNames } from '../../../connectors/mapping/document.ts'
import { scopeOf } from '../../../connectors/mapping/path.ts'
import { parseYaml, readYaml } from '../../../connectors/yamlFile.ts'
import { ConfigError } from '../../../schema/kit/configError.ts'
import { root } from '../fixture.ts'
import { define, simple } from './fixture.ts'

const shipped = globSync(join(root, 'connectors/*/connection.yaml'))

describe('a definition', () => {
  for (const path of shipped)
    test(`of the kind ${basename(dirname(path))} is right, and its mapping has its objects`, () => {
      const names = objectNames([readYaml(join(dirname(path), 'mapping.yaml'))])
      assert.ok(readDefinition(path, names).objects.size > 0)
    })

  test('is read whole', () => {
    const definition = define(simple, ['customer'])
    assert.deepEqual([...definition.settings.keys()], ['base', 'key', 'perMinute'])
    const customer = definition.objects.get('customer')
    assert.equal(customer?.delta?.how, 'window')
    assert.equal(customer?.full.pages?.how, 'cursor')
  })

  const wrong: [what: string, from: string, to: string, expected: RegExp][] = [
    [
      'an unknown key',
      'http: {',
      'colour: red\nhttp: {',
      /yaml:7: .*"colour"; allowed are settings, auth/,
    ],
    [
      'an unknown key of an object',
      '    id: id',
      '    idd: 1\n    id: id',
      /yaml:10: .*"idd"; allowed are id, version/,
    ],
    [
      'an unknown key of pages',
      'cursor: next, as',
      'curser: next, as',
      /yaml:14: .*"curser"; allowed are link, cursor/,
    ],
    ['an unknown key of a delta', 'times: s', 'time: s', /yaml:18: .*"time"; allowed are window/],
    [
      'an unknown placeholder',
      '/customers,',
      '"/customers/{site}",',
      /yaml:13: .*\{site\} has no value here; there are \{base\}/,
    ],
    ['a secret outside of auth', '/customers,', '"/customers/{key}",', /\{key\} has no value here/],
    ['{id} in a list', '/customers,', '"/customers/{id}",', /\{id\} has no value here/],
    [
      '{since} in the full run',
      'full: {',
      'full: { query: { after: "{since}" },',
      /\{since\} is empty in some requests; write it within \[\[ \]\]/,
    ],
    [
      'a window without {until}',
      ', until: "{until}"',
      '',
      /yaml:16: .*window: does not use \{until\}/,
    ],
    ['a delta without version', '    version: updated_at\n', '', /window: needs version:/],
    ['pages without rows', '    rows: "list[]"\n', '', /needs rows: with the path/],
    ['a path that is none', '"list[]"', '"list[x"', /yaml:12: .*a bracket is not closed/],
    [
      'two kinds of pages',
      '{ cursor: next, as: query.cursor }',
      '{ cursor: next, link: next }',
      /needs exactly one of link, cursor.*; it has/,
    ],
    ['a cursor that is sent nowhere', ', as: query.cursor', '', /needs as: with where it is sent/],
    ['a wrong target', 'query.cursor', 'cookie.cursor', /write query\.NAME, json\.NAME/],
    [
      'two kinds of delta',
      'times: s',
      'times: s\n      feed: events',
      /needs exactly one of window/,
    ],
    [
      'a feed that is not there',
      /window:[\s\S]*times: s/.exec(simple)?.[0] ?? '',
      'feed: events',
      /there is no feed "events"; feeds: has none/,
    ],
    ['a wrong form of times', 'times: s', 'times: seconds', /"seconds" is no form of a time/],
    [
      'a wrong length of time',
      'times: s',
      'times: s\n      lag: 5 minutes',
      /yaml:19: .*lag: "5 minutes" is not a length of time; write 10s/,
    ],
    [
      'a default with an unknown setting',
      'is: url }',
      'is: url, default: "https://{site}.x.com" }',
      /yaml:3: .*\{site\} has no value here; no placeholder has/,
    ],
    ['a default of a secret', 'is: secret,', 'is: secret, default: x,', /a secret has no default/],
    [
      'a setting with a reserved name',
      '  base:',
      '  since: { is: text }\n  base:',
      /settings\.since: a setting is named/,
    ],
    [
      'no way to sign in',
      'auth: { header: { authorization: "Bearer {key}" } }',
      'limits: []',
      /auth: is missing/,
    ],
    [
      'two ways to sign in in one',
      'auth: { header',
      'auth: { none: true, header',
      /auth: needs exactly one of none, header, basic, oauth2/,
    ],
    [
      'a grant without its parts',
      '{ header: { authorization: "Bearer {key}" } }',
      '{ oauth2: privateKeyJwt, token: "{base}/token" }',
      /privateKeyJwt needs privateKey:/,
    ],
    [
      'a limit by a setting that is no number',
      'http: {',
      'limits: [{ per: 1m, max: 5, of: settings.base }]\nhttp: {',
      /"settings\.base" is not a setting that is a number/,
    ],
    [
      'an error rule by code without its path',
      'http: { base: "{base}" }',
      'http: { base: "{base}", errors: [{ code: x, is: WAIT }] }',
      /needs http\.code/,
    ],
    [
      'a wait without its unit',
      'http: { base: "{base}" }',
      'http: { base: "{base}", wait: { path: error.retry } }',
      /http\.wait\.in: .*"s".*"ms"/,
    ],
    [
      'an unknown word for a write that was applied',
      'http: { base: "{base}" }',
      'http: { base: "{base}", errors: [{ status: 503, is: RETRY, applied: no }] }',
      /applied: .*"maybe".*"never"/,
    ],
    [
      'a list of deletions with a condition that is none',
      '    read:',
      '    deletes: { list: { get: /gone, rows: "[]", id: id, when: 7 } }\n    read:',
      /must be a path/,
    ],
    [
      'a window without an upper bound',
      '{ since: "{since}", until: "{until}" }',
      '{ since: "{since}" }',
      /does not use \{until\}; .* use keyset:/,
    ],
    [
      'an unknown verdict',
      'http: { base: "{base}" }',
      'http: { base: "{base}", errors: [{ status: 400, is: SKIP }] }',
      /RETRY.*EMPTY/,
    ],
    [
      'children that read the same for each row',
      '    read:',
      '    children: { into: c, get: /contacts, rows: "[]" }\n    read:',
      /does not use \{id\}/,
    ],
    [
      'an unknown kind of deletes',
      '    read:',
      '    deletes: maybe\n    read:',
      /"maybe" is not one of flag, feed, census/,
    ],
    ['a body of a get', 'list: { get:', 'list: { json: { a: 1 }, get:', /is a get and has no body/],
    [
      'an unknown filter',
      '/customers,',
      '"/customers/{base|xml}",',
      /no filter "xml"; there are sql, odata/,
    ],
  ]
  for (const [what, from, to, expected] of wrong)
    test(`with ${what} is refused with file, line and what is allowed`, () => {
      assert.ok(simple.includes(from) && from !== '', from)
      assert.throws(
        () => define(simple.replace(from, to)),
        (e: unknown) => {
          assert.ok(e instanceof ConfigError, String(e))
          assert.match(e.message, /^connection\.yaml:\d+: /)
          assert.match(e.message, expected)
          return true
        },
      )
    })

  test('names only objects of the mapping', () => {
    assert.throws(() => define(simple, ['client']), /yaml:9: .*no object "customer"; it has client/)
  })

  test('of an object under another one uses the id of its row', () => {
    const contact = (spec: string, before = '') =>
      define(`${simple}${before}  contact: { ${spec} }\n`)
    const list = 'id: id, rows: "list[]", list: { get: "/customers/{parent}/contacts" }'
    const under = 'under: { object: customer, as: customer_id }'
    const unless = under.replace(' }', ', unless: { gone: true } }')
    const read = contact(`${unless}, ${list}`).objects.get('contact')?.under
    assert.deepEqual([read?.object, read?.as], ['customer', 'customer_id'])
    assert.deepEqual(
      [true, false].map((gone) => read?.isOver(scopeOf({ gone }))),
      [true, false],
    )
    const cases: [string, RegExp][] = [
      [list, /\{parent\}/],
      [`${under}, ${list.replace('{parent}', '1')}`, /list: needs \{parent\}/],
      [
        `${under.replace('object: customer', 'object: account')}, ${list}`,
        /"account" is not an object before it/,
      ],
      [`${under}, ${list}, delta: { link: true, next: n }`, /delta: is that of customer/],
    ]
    for (const [spec, expected] of cases) assert.throws(() => contact(spec), expected, spec)
  })

  test('of a keyset must use the id, else rows with one time are lost (rule 1)', () => {
    const keyset = simple.replace(
      'window: { query: { since: "{since}", until: "{until}" } }\n      pages: { cursor: next, as: query.cursor }',
      'size: 2\n      keyset: { query: { after: "{since}" } }',
    )
    assert.throws(
      () => define(keyset),
      /keyset: does not use \{sinceId\}; rows with the same time .* give pages: beside keyset:/,
    )
    const unsized = keyset
      .replace('size: 2\n      ', '')
      .replace('after:', 'id: "{sinceId}", after:')
    assert.throws(
      () => define(unsized),
      /keyset: needs size: with the rows of a full page, or pages:/,
    )
  })

  test('of a keyset whose answers have pages needs neither the id nor a size', () => {
    const paged = simple.replace(
      'window: { query: { since: "{since}", until: "{until}" } }',
      'keyset: { query: { after: "{since}" } }',
    )
    const delta = define(paged).objects.get('customer')?.delta
    assert.deepEqual([delta?.how, delta?.how === 'keyset' && delta.size], ['keyset', null])
  })
})

test('the last part of a joined id may hold the text between the parts', () => {
  const parts = (id: string, joinedId: { separator: string; parts: number } | null) => {
    const values = idValues({ joinedId }, id)
    return [values['id.1'], values['id.2'], values['id.3']]
  }
  assert.deepEqual(parts('usmf-US-001', { separator: '-', parts: 2 }), ['usmf', 'US-001', ''])
  assert.deepEqual(parts('a/b/c/d', { separator: '/', parts: 3 }), ['a', 'b', 'c/d'])
  assert.deepEqual(parts('US-001', null), ['US-001', '', ''])
})

describe('a text with placeholders', () => {
  const values = new Map<string, string | bigint | string[]>([
    ['name', "O'Brien \\ Co"],
    ['since', 1_767_225_600_123_456n],
    ['ids', ['a', "b'"]],
    ['none', ''],
  ])
  const write = (text: string, form = 'iso') =>
    compileTemplate(
      { value: text, file: parseYaml('a: 1', 'x.yaml'), path: [] },
      new Set([...values.keys(), 'missing']),
    ).render({ get: (name) => values.get(name), times: { text: form, zone: 'UTC' } })

  test('quotes a value for the language of the request', () => {
    assert.equal(write('{name|sql}'), "'O''Brien \\ Co'")
    assert.equal(write('{name|soql}'), "'O\\'Brien \\\\ Co'")
    assert.equal(write('{ids|odata}'), "'a','b'''")
    assert.equal(write('{name|url}'), "O'Brien%20%5C%20Co")
    assert.equal(write('{name|json}'), '"O\'Brien \\\\ Co"')
    assert.equal(write('{{{name}}}'), "{O'Brien \\ Co}")
  })

  test('leaves out a part in double brackets where one of its placeholders is empty', () => {
    assert.equal(write('a[[ and {missing}]] b'), 'a b')
    assert.equal(write('a[[ and {none} or {name}]]'), 'a')
    assert.equal(write('[[{missing}]]'), null)
    assert.equal(
      write('{missing?0}, {none?x y|sql}, {ids?0}[[ and {none?1}]]'),
      "0, 'x y', a,b' and 1",
    )
    assert.equal(write('x[[ and {ids}]][y]'), "x and a,b'[y]")
  })

  test('writes moments in the form of the system', () => {
    assert.equal(write('{since}'), '2026-01-01T00:00:00.123Z')
    assert.equal(write('{since}', 's'), '1767225600')
    assert.equal(write('{since:us}'), '1767225600123456')
    assert.equal(write('{since:yyyy-MM-dd HH:mm:ss.SSSSSS}'), '2026-01-01 00:00:00.123456')
    assert.equal(write("time'{since:'PT'HH'H'mm'M'ss'S'}'"), "time'PT00H00M00S'")
    assert.equal(
      timeText(1_767_225_600_000_000n, { text: 'yyyy-MM-dd HH:mm', zone: 'America/Los_Angeles' }),
      '2025-12-31 16:00',
    )
  })
})
