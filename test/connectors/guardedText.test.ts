import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { readLabelFile } from '../../cli/commands/input/labelFile.ts'
import { command as match } from '../../cli/commands/match.ts'
import { writeCsv } from '../../cli/commands/output/csvFile.ts'
import { guardedText, unguardedText } from '../../connectors/file/guardedText.ts'
import { openFile } from '../../connectors/file/rows.ts'
import { runCommand } from '../cli/runCommand.ts'
import { createRandom } from './csvFiles.ts'

const ATTACKS = [
  ...[
    '=1+1',
    '=cmd|" /C calc"!A0',
    '+49 30 1234',
    '-2+3',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    ' =1',
  ],
  ...[
    '\uff1d1+1',
    '\uff0b1',
    '\uff0d1',
    '\uff201',
    '\u3000=1',
    '\u00a0-1',
    '\u200b=1',
    '\ufeff=1',
    '"=1',
  ],
  ...[
    "'=1",
    ';=1',
    'a;=1',
    'a,=1',
    'a\t=1',
    'a\n=1',
    'a"\n"=1',
    'a|@x',
    'x"; =HYPERLINK("http://e")',
  ],
  ...['-12.5', '\u22121', '=', '\t', '\r\n', 'a\r\n=1\r\n+2', "''=1", "a;'=1"],
]
/** What a spreadsheet evaluates, however it splits the line. */
const FORMULA = /(?:^|[,;|\t\r\n])[\s\p{Cf}"]*[=+@\-\uff0b\uff0d\uff1d\uff20\u2212]/u

function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'touchstone-csv-'))
  return work(folder).finally(() => rmSync(folder, { recursive: true, force: true }))
}

describe('a text for a CSV file', () => {
  test('is no formula, under any delimiter, and comes back', () => {
    for (const text of ATTACKS) {
      assert.doesNotMatch(guardedText(text), FORMULA, JSON.stringify(text))
      assert.equal(unguardedText(guardedText(text)), text)
    }
  })

  test('of any characters comes back', () => {
    const characters = [...'\'"=+-@;,|\t\n\r 07a.', '\uff1d', '\ufeff', '\u2212', '\ud800', 'é']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...characters)), (parts) => {
        const text = parts.join('')
        const guarded = guardedText(text)
        assert.doesNotMatch(guarded, FORMULA)
        assert.equal(unguardedText(guarded), text)
      }),
      { numRuns: 3_000 },
    )
  })

  test('without a danger stays as it is', () => {
    for (const text of [
      '',
      'Müller, Söhne; GmbH',
      "'quoted'",
      '00123',
      'a-b',
      'x=1',
      "O'Neil -",
      '12.5',
    ])
      assert.equal(guardedText(text), text)
  })
})

test('the loader reads what the writer has written', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'out.csv')
    const random = createRandom(7)
    const texts = [
      ...ATTACKS,
      'plain',
      '00123',
      "'0042",
      'a "b" c',
      'ä;ö,ü',
      'line\nbreak',
      "l'été",
    ]
    const rows = texts.map((text, n) => [`r${n}`, text, random.pick(texts)])
    const columns = ['id', 'one', 'two']
    for (const raw of [false, true]) {
      await writeCsv(file, columns, rows, { raw })
      const written = readFileSync(file, 'utf8')
      // Any reader of RFC 4180 finds the rows, and the texts behind the apostrophes.
      const parsed = parse(written) as string[][]
      assert.deepEqual(
        parsed.slice(1).map((r) => (raw ? r : r.map(unguardedText))),
        rows,
      )
      if (raw) continue
      for (const line of parsed.slice(1))
        for (const cell of line) assert.doesNotMatch(cell, FORMULA)
      const opened = await openFile(file, { quotes: 'span' })
      const read: Record<string, string>[] = []
      for await (const row of opened.rows()) {
        assert.equal(row.problem, undefined, row.problem)
        read.push(JSON.parse(row.text))
      }
      await opened.close()
      assert.deepEqual(
        read.map(({ id, one, two }) => [id, one, two]),
        rows,
      )
    }
  }))

test('match writes ids that are formulas harmlessly, and labels of them are read', () =>
  inFolder(async (folder) => {
    const at = (name: string) => join(folder, name)
    writeFileSync(
      at('model.graphql'),
      'type Thing @golden { name: String! @compare(as: ORGANISATION_NAME) }',
    )
    const ids = ['=1+1', '@x', '+49', '-7', '17', '\t=2', 'a;=3']
    const lines = ids.map((id, n) =>
      JSON.stringify({
        source: n % 2 ? 'crm' : '=cmd',
        id,
        fields: { name: `Nordwind Werke ${n}` },
      }),
    )
    writeFileSync(at('in.ndjson'), lines.join('\n'))
    const args = ['--model', at('model.graphql'), '--records', at('in.ndjson'), '--threads', '1']
    const names = async (...more: string[]) => {
      const { code, output } = await runCommand(match, [...args, '--out', at('c.csv'), ...more])
      assert.equal(code, 0, output)
      return (parse(readFileSync(at('c.csv'), 'utf8')) as string[][]).slice(1)
    }
    const guarded = await names()
    for (const [source, id] of guarded)
      for (const cell of [source, id]) assert.doesNotMatch(cell ?? '', FORMULA)
    assert.deepEqual(guarded.map(([, id]) => unguardedText(id ?? '')).sort(), ids.toSorted())
    assert.deepEqual((await names('--raw')).map(([, id]) => id).sort(), ids.toSorted())

    await writeCsv(at('labels.csv'), ['a', 'b', 'same'], [['=crm/a/1', '-crm/a/2', '1']], {
      raw: false,
    })
    const [label] = await readLabelFile(at('labels.csv'))
    await writeCsv(at('labels.csv'), ['a', 'b', 'same'], [['=crm/a/1', '-crm/a/2', '1']], {
      raw: true,
    })
    assert.deepEqual(label, (await readLabelFile(at('labels.csv')))[0])
  }))
