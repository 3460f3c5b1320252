import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { command } from '../../../cli/commands/match.ts'
import { runCommand } from '../runCommand.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-match-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const file = (name: string) => join(dir, name)
const model = file('model.graphql')
writeFileSync(
  model,
  `type Person @golden {
    id: ID!
    name: String @compare(as: PERSON_NAME)
    emails: [String!] @compare(as: EMAIL)
    born: String @compare(as: DATE_OF_BIRTH)
    shoes: String @compare(as: TEXT)
  }`,
)

interface Row {
  source?: string
  id?: string | number
  fields?: Record<string, unknown>
}
const anna = {
  name: 'Anna Lindqvist',
  emails: ['anna.lindqvist@nordwind.example'],
  born: '1980-02-03',
}
const bert = { name: 'Bert Okafor', emails: 'bert@hafen.example', born: '1975-11-30' }

/**
 * Runs the command on these lines. Returns its output and each record's cluster, in output order.
 */
async function match(lines: (Row | string)[]) {
  writeFileSync(
    file('records'),
    lines.map((l) => (typeof l === 'string' ? l : JSON.stringify(l))).join('\n'),
  )
  const { code, output } = await runCommand(command, [
    '--model',
    model,
    '--records',
    file('records'),
    '--out',
    file('out'),
  ])
  const rows = code === 0 ? readFileSync(file('out'), 'utf8').trim().split('\n').slice(1) : []
  return { code, output, clusters: rows.map((r) => r.split(',').at(-1)), rows }
}

test('matches a file of one record and a file of two', async () => {
  const one = { source: 'crm', id: 1, fields: anna }
  assert.deepEqual((await match([one])).rows, ['crm,1,c0'])
  assert.deepEqual((await match([one, { ...one, id: 2 }])).clusters, ['c0', 'c0'])
})

test('an error about a file of another format names that format, with exit code 1', async () => {
  const cases: [text: string, RegExp][] = [
    [
      '',
      /records holds no record: it is empty\. match reads NDJSON, one record a line: \{"source":"crm"/,
    ],
    ['\n\n', /it is empty/],
    ['id,name\n1,Anna\n', /it looks like CSV/],
    ['id;name\n1;Anna\n', /it looks like CSV/],
    ['[{"source":"crm","id":1,"fields":{"name":"Anna"}}]', /it looks like a JSON array/],
    ['{\n  "records": []\n}', /it looks like one JSON document over several lines/],
    ['{"id":1,"name":"Anna"}\n{"id":2,"name":"Bert"}', /its first line has the members id, name\./],
    ['hello', /its first line is "hello"/],
    ['\u001f\ufffd', /it is compressed/],
    ['PK\u0003\u0004', /a ZIP archive or a spreadsheet/],
  ]
  for (const [text, says] of cases) {
    const { code, output } = await match([text])
    assert.equal(code, 1, text)
    assert.match(output, says)
  }
})

test('a cell with a comma, a quote or a line break is quoted', async () => {
  const { rows } = await match([{ source: 'crm, "old"', id: 'a', fields: anna }])
  assert.deepEqual(rows, ['"crm, ""old""",a,c0'])
})

test('reports and skips lines that are not records, and matches the others', async () => {
  const { output, clusters } = await match([
    { source: 'crm', id: 'a', fields: anna },
    '{"source":',
    '7',
    { id: 'x', fields: anna },
    { source: 'crm', id: 'y' },
    '',
    { source: 'web', id: 'b', fields: anna },
  ])
  assert.match(output, /records:2: not JSON \(.*the line is left out/)
  assert.match(output, /records:3: not an object \{"source","id","fields"\}/)
  assert.match(output, /records:4: "source" \(a text\) and "id" \(a text or a number\) are missing/)
  assert.match(output, /records:5: "fields" is not an object/)
  assert.match(output, /4 of 7 lines left out/)
  assert.deepEqual(clusters, ['c0', 'c0'])
})

test('reports an id that occurs twice in one source and keeps each line as its own record', async () => {
  const { output, rows } = await match([
    { source: 'crm', id: 'a', fields: anna },
    { source: 'crm', id: 'a', fields: bert },
    { source: 'web', id: 'a', fields: anna },
  ])
  assert.match(output, /1 line repeats a source and id; each is a separate record/)
  assert.deepEqual(rows, ['crm,a,c0', 'crm,a,c1', 'web,a,c0'])
})

test('reports fields that no record has; if none exists, the error lists the available fields', async () => {
  assert.match(
    (await match([{ source: 'crm', id: 'a', fields: anna }])).output,
    /no record has a value for Person.shoes/,
  )
  const none = await match([{ source: 'crm', id: 'a', fields: { surname: 'x', mail: 'y' } }])
  assert.equal(none.code, 1)
  assert.match(
    none.output,
    /no record has any field of Person that is compared \(name, emails, born, shoes\); the records have surname, mail/,
  )
})

test('finds the same persons despite five date formats, two scripts, a megabyte value and an address shared by half the records', async () => {
  const people = [
    ['Anna Lindqvist', 'Anna Lindqvist', '1980-02-03', '03.02.1980'],
    ['Анна Петрова', 'Anna Petrova', '1961-12-24', '24 Dec 1961'],
    ['Ελένη Παππά', 'Eleni Pappa', '1990-07-19', '19900719'],
    ['Jürgen Müller', 'Juergen Mueller', '1955-10-31', '31/10/55'],
  ]
  const { clusters, output } = await match([
    ...people.flatMap(([native, latin, day, written], i) => [
      {
        source: 'crm',
        id: `a${i}`,
        fields: { name: native, emails: [`p${i}x${i}@haus${i}.example`], born: day },
      },
      {
        source: 'web',
        id: `b${i}`,
        fields: {
          name: latin,
          emails: ['test@test.com', `p${i}x${i}@haus${i}.example`],
          born: written,
        },
      },
    ]),
    { source: 'crm', id: 'long', fields: { name: 'x'.repeat(1_000_000) } },
  ])
  assert.deepEqual(
    clusters.join(' '),
    'c0 c1 c2 c3 c4 c0 c1 c2 c3', // first those of crm
    output,
  )
})
