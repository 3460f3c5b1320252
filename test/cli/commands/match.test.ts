import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { readLabelFile } from '../../../cli/commands/input/labelFile.ts'
import { command } from '../../../cli/commands/match.ts'
import { workbook } from '../../connectors/workbook.ts'
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
    ['id,name\n', /it has no row below the names of its columns/],
    ['[{"source":"crm","id":1,"fields":{"name":"Anna"}}]', /it looks like a JSON array/],
    ['{\n  "records": []\n}', /it looks like one JSON document over several lines/],
    ['{"id":1,"name":"Anna"}\n{"id":2,"name":"Bert"}', /its first line has the members id, name\./],
    ['hello', /it has no row below/],
    ['%PDF-1.7', /the file is a PDF document/],
    ['PK\u0003\u0004', /ZIP|archive/i],
    ['PAR1 and no more', /the Parquet file cannot be read/],
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

describe('match of tables', () => {
  const anna = ['Anna Lindqvist', 'anna.lindqvist@nordwind.example', '1980-02-03']
  const bert = ['Bert Okafor', 'bert@hafen.example', '1975-11-30']
  const run = async (args: string[]) => {
    rmSync(file('out'), { force: true })
    const { code, output } = await runCommand(command, [...args, '--out', file('out')])
    const rows = code === 0 ? readFileSync(file('out'), 'utf8').trim().split('\n').slice(1) : []
    return { code, output, rows }
  }
  const csv = (name: string, rows: string[][], delimiter = ',') => {
    writeFileSync(file(name), rows.map((r) => r.join(delimiter)).join('\n'))
    return file(name)
  }
  const parquet = () => {
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: 'Source', data: ['web', 'web'] },
        { name: 'key', data: [9_007_199_254_740_993n, 7n] },
        { name: 'name', data: [anna[0], bert[0]] },
        { name: 'emails', data: [anna[1], bert[1]] },
        { name: 'born', data: [new Date(anna[2]!), new Date(bert[2]!)], type: 'TIMESTAMP' },
      ],
    })
    writeFileSync(file('web.parquet'), Buffer.from(bytes))
    return file('web.parquet')
  }

  test('matches CSV beside Parquet: the file is the source, or a column; ids keep their digits', async () => {
    const crm = csv(
      'crm.csv',
      [
        ['key', 'name', 'emails', 'born'],
        ['a', ...anna],
        ['b', ...bert],
      ],
      ';',
    )
    const { rows, output } = await run([
      '--model',
      model,
      '--id',
      'key',
      '--records',
      crm,
      parquet(),
    ])
    assert.deepEqual(rows, ['crm,a,c0', 'crm,b,c1', 'web,7,c1', 'web,9007199254740993,c0'])
    assert.match(output, /crm\.csv has no column "source": the source of its records is "crm"/)
    assert.match(output, /no record has a value for Person\.shoes/)
    assert.ok(!output.includes('guessed'))
  })

  test('without a column for the id a record has the number of its line, and a note says so', async () => {
    const { rows, output } = await run([
      '--model',
      model,
      '--records',
      csv('x.csv', [
        ['name', 'born'],
        [anna[0]!, anna[2]!],
      ]),
    ])
    assert.deepEqual(rows, ['x,2,c0'])
    assert.match(output, /no column "id": the id of a record is its line/)
  })

  test('refuses a table that is not clear, with file, line and reason', async () => {
    const cases: [string[], RegExp][] = [
      [
        [
          csv('q.csv', [
            ['id', 'name'],
            ['1', '"Anna'],
            ['2', 'Bert'],
          ]),
        ],
        /q\.csv: line 2, cell 2: .*never closes/,
      ],
      [
        [
          '--id',
          'nr',
          csv('n.csv', [
            ['id', 'name'],
            ['1', 'Anna'],
          ]),
        ],
        /n\.csv: line 1: .*no column for the id; its columns are "id", "name"/,
      ],
      [
        [
          '--source',
          'system',
          csv('s.csv', [
            ['id', 'name'],
            ['1', 'Anna'],
          ]),
        ],
        /s\.csv: no column "system" for --source/,
      ],
      [
        [
          csv('t.csv', [
            ['id', 'shoe'],
            ['1', 'red'],
          ]),
        ],
        /no record has any field of Person .*; the records have shoe/,
      ],
    ]
    for (const [args, says] of cases) {
      const { code, output } = await run([
        '--model',
        model,
        '--records',
        ...args.slice(-1),
        ...args.slice(0, -1),
      ])
      assert.equal(code, 1, output)
      assert.match(output, says)
    }
  })

  test('matches gzipped files and Excel workbooks; two files of one name are two sources', async () => {
    const row = (n: number, cells: readonly string[]) =>
      `<row r="${n}">${cells.map((c, i) => `<c r="${'ABCD'[i]}${n}" t="inlineStr"><is><t>${c}</t></is></c>`).join('')}</row>`
    const names = ['id', 'name', 'emails', 'born']
    const rows = row(1, names) + row(2, ['1', ...anna])
    mkdirSync(file('other'), { recursive: true })
    writeFileSync(file('crm.xlsx'), workbook([{ name: 'S', rows }]))
    writeFileSync(
      file('other/crm.csv.gz'),
      gzipSync([names, ['1', ...bert], ['2', ...anna]].join('\n')),
    )
    const { rows: written } = await run([
      '--model',
      model,
      '--records',
      file('crm.xlsx'),
      file('other/crm.csv.gz'),
    ])
    assert.deepEqual(written, [
      `${file('crm.xlsx')},1,c0`,
      `${file('other/crm.csv.gz')},1,c1`,
      `${file('other/crm.csv.gz')},2,c0`,
    ])
  })

  test('leaves out rows without an id or with a wrong number of cells, and says so', async () => {
    const rows = [
      ['id', 'name', 'born'],
      ['1', ...anna.toSpliced(1, 1)],
      ['', ...bert.toSpliced(1, 1)],
      ['3', 'x', 'y', 'z', 'w'],
    ]
    const { rows: written, output } = await run(['--model', model, '--records', csv('r.csv', rows)])
    assert.deepEqual(written, ['r,1,c0'])
    assert.match(output, /r\.csv:3: the column "id" has no value; the line is left out/)
    assert.match(output, /r\.csv:4: the row has 5 cells/)
    assert.match(output, /2 of 4 lines left out/)
  })

  test('guesses a model, shows or writes it, says so and uses it; the file is then the model', async () => {
    const crm = csv('k.csv', [
      ['ID', 'Vorname', 'Nachname', 'E-Mail', 'Geburtsdatum', 'Kundennummer'],
      ['1', 'Anna', 'Lindqvist', anna[1]!, '03.02.1980', '10'],
      ['2', 'Bert', 'Okafor', bert[1]!, '30.11.1975', '11'],
      ['3', 'Ana', 'Lindqvist', anna[1]!, '1980-02-03', '12'],
    ])
    const shown = await run(['--records', crm])
    assert.deepEqual(shown.rows, ['k,1,c0', 'k,2,c1', 'k,3,c0'])
    assert.match(shown.output, /e_mail: String @compare\(as: EMAIL\)/)
    assert.match(shown.output, /# {3}"Kundennummer": /)
    assert.match(
      shown.output,
      /No --model is given: the model above is guessed .* 5 columns, of which 1 is not compared\. It is used now/,
    )
    const written = await runCommand(command, ['--records', crm, '--propose', file('k.graphql')])
    assert.equal(written.code, 0, written.output)
    assert.match(
      readFileSync(file('k.graphql'), 'utf8'),
      /Vorname: String @compare\(as: GIVEN_NAME\)/,
    )
    const again = await runCommand(command, ['--records', crm, '--propose', file('k.graphql')])
    assert.match(again.output, /k\.graphql exists; give it with --model/)
    assert.deepEqual((await run(['--records', crm, '--model', file('k.graphql')])).rows, shown.rows)
    const neither = await runCommand(command, ['--records', crm])
    assert.match(neither.output, /--out FILE is missing/)
  })
})

test('--why finds records by the names that reports and labels show', async () => {
  const lines = ['1', '1', '2', '2#1', '2'].map((id) =>
    JSON.stringify({ source: 'eu/crm', id, fields: { name: 'Anna Lindqvist' } }),
  )
  writeFileSync(file('repeats'), lines.join('\n'))
  const why = async (...two: string[]) =>
    (
      await runCommand(
        command,
        ['--model', model, '--records', file('repeats'), '--out', file('out'), '--why'].concat(two),
      )
    ).output
  assert.match(await why('eu/crm/1', 'eu/crm/1#1'), /eu\/crm\/1 and eu\/crm\/1#1: /)
  assert.match(
    await why('eu/crm/1#1', 'eu/crm/1#2'),
    /no record eu\/crm\/1#2; name two as source\/id/,
  )
  assert.match(await why('eu/crm/1', 'eu/crm/2#1'), /eu\/crm\/2#1 names several records/)
})

test('--why states the bits that two unique sources gain', async () => {
  writeFileSync(
    file('unique.graphql'),
    'type It @golden(uniqueIn: ["*"]) { id: ID! name: String @compare(as: ORGANISATION_NAME) }',
  )
  const lines = ['crm', 'erp'].map((source) =>
    JSON.stringify({ source, id: 1, fields: { name: 'Casa Lupo' } }),
  )
  writeFileSync(file('unique'), lines.join('\n'))
  const { output } = await runCommand(command, [
    ...['--model', file('unique.graphql'), '--records', file('unique'), '--out', file('out')],
    ...['--why', 'crm/1', 'erp/1'],
  ])
  assert.match(output, /both sources hold each thing once: the pair gains \d+\.\d\d bits/)
})

test('labels are read from the file, and what they show is stated; without a terminal none are asked', async () => {
  const lines = Array.from({ length: 40 }, (_, i) => ({
    source: 'crm',
    id: i,
    fields: {
      name: `${['Anna', 'Bert'][i % 2]} Lindqvist`,
      born: `19${60 + (i % 10)}-02-0${1 + (i % 3)}`,
    },
  }))
  writeFileSync(file('people'), lines.map((l) => JSON.stringify(l)).join('\n'))
  const args = ['--model', model, '--records', file('people'), '--out', file('out')]
  const label = ['--label', '500', '--labels', file('labels.csv')]
  const asked = await runCommand(command, [...args, ...label])
  assert.equal(asked.code, 1)
  assert.match(asked.output, /there is no terminal to ask on/)
  const every = lines.flatMap(({ id }, i) =>
    lines.slice(i + 1).map((other) => {
      const same =
        other.fields.name === lines[i]?.fields.name && other.fields.born === lines[i]?.fields.born
      return `crm/${id},crm/${other.id},${id === 0 ? 'unsure' : Number(same)}`
    }),
  )
  writeFileSync(file('labels.csv'), `a,b,same\n${every.join('\n')}\n`)
  const { code, stdout } = await runCommand(command, [...args, ...label])
  assert.equal(code, 0)
  assert.match(stdout, /From \d+ answers to \d+ pairs, \d+ unsure, at the threshold of 0\.0 bits/)
  assert.match(
    stdout,
    /precision [\d.]+ % \([\d.]+ % to [\d.]+ %\) of the pairs of one cluster are one thing/,
  )
  assert.match(stdout, /recall [\d.]+ % \(/)
  // `train --labels` reads the same file; "unsure" is no label.
  const read = await readLabelFile(file('labels.csv'))
  assert.equal(read.length, every.filter((line) => !line.endsWith('unsure')).length)
})
