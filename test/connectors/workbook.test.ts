import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { bounds } from '../../connectors/bounds.ts'
import { FileError } from '../../connectors/file/fileError.ts'
import { idFinder, messagesOfRow } from '../../connectors/file/rowMessage.ts'
import { type FileOptions, openFile } from '../../connectors/file/rows.ts'
import { cellFormat, numberText } from '../../connectors/file/workbook/cellFormat.ts'
import { codeOf, withMapping } from './fixture.ts'
import { type TestSheet, workbook, zip } from './workbook.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-workbook-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const connector = withMapping(
  'objects:\n  parts:\n    as: Product\n    id: id\n    fields: { name: name }\n',
)

async function open(content: Buffer, options: FileOptions = {}, name = 'parts.xlsx') {
  writeFileSync(join(dir, name), content)
  const opened = await openFile(join(dir, name), options, idFinder(connector, 'parts'))
  const rows: unknown[] = []
  for await (const row of opened.rows()) rows.push(row.problem ?? JSON.parse(row.text))
  return { rows, printed: [opened.description, ...opened.notices] }
}

/** XML of rows with texts in cells; null is a cell that the row does not have. */
function texts(from: number, ...rows: (string | null)[][]): string {
  return rows
    .map((cells, i) => {
      const xml = cells.map((text, c) =>
        text === null
          ? ''
          : `<c r="${String.fromCharCode(65 + c)}${from + i}" t="inlineStr"><is><t>${text}</t></is></c>`,
      )
      return `<row r="${from + i}">${xml.join('')}</row>`
    })
    .join('')
}

const header = texts(1, ['id', 'name', 'x'])

describe('cells of a workbook', () => {
  /** Reads one row whose third cell is this. */
  async function cell(xml: string, properties = '', strings: string[] = []): Promise<unknown> {
    const row = `<row r="2"><c r="A2" t="str"><v>1</v></c>${xml.replace('<c', '<c r="C2"')}</row>`
    const { rows } = await open(workbook([{ name: 'S', rows: header + row }], strings, properties))
    const [read] = rows
    return typeof read === 'object' ? (read as { x?: string }).x : read
  }

  test('are read as their texts: shared, inline, with runs, without the reading of ideographs', async () => {
    const strings = [
      '<t>a</t>',
      '<r><t>b</t></r><r><t xml:space="preserve"> c</t></r><rPh><t>no</t></rPh>',
    ]
    assert.equal(await cell('<c t="s"><v>0</v></c>', '', strings), 'a')
    assert.equal(await cell('<c t="s"><v>1</v></c>', '', strings), 'b c')
    assert.equal(await cell('<c t="inlineStr"><is><t>a_x000D_b &amp; c</t></is></c>'), 'a\rb & c')
    assert.equal(await cell('<c t="b"><v>1</v></c>'), 'true')
    assert.equal(await cell('<c t="e"><v>#N/A</v></c>'), '#N/A')
    assert.equal(await cell('<c t="n"></c>'), undefined)
  })

  test('are read as the numbers and dates that the workbook shows', async () => {
    assert.equal(await cell('<c><v>0.30000000000000004</v></c>'), '0.3')
    assert.equal(await cell('<c><v>1234567890123</v></c>'), '1234567890123')
    assert.equal(await cell('<c><v>12345678901234567891</v></c>'), '12345678901234567891')
    assert.equal(await cell('<c><v>1E-7</v></c>'), '0.0000001')
    assert.equal(await cell('<c s="3"><v>731</v></c>'), '00731')
    assert.equal(await cell('<c s="4"><v>7</v></c>'), 'K-007')
    assert.equal(await cell('<c s="1"><v>45234</v></c>'), '2023-11-04')
    assert.equal(await cell('<c s="1"><v>1</v></c>'), '1900-01-01')
    assert.equal(await cell('<c s="1"><v>61</v></c>'), '1900-03-01')
    assert.equal(await cell('<c s="2"><v>45234.75</v></c>'), '2023-11-04T18:00:00')
    assert.equal(await cell('<c s="1"><v>43772</v></c>', 'date1904="1"'), '2023-11-04')
    assert.equal(await cell('<c t="d"><v>2023-11-04</v></c>'), '2023-11-04')
  })

  test('count as the stored result of their formula', async () => {
    assert.equal(await cell('<c t="str"><f>A1&amp;"x"</f><v>1x</v></c>'), '1x')
    for (const xml of ['<c><f>1+1</f></c>', '<c><f>1+1</f><v></v></c>'])
      assert.equal(await cell(xml), 'column 3 has a formula without its result')
  })

  test('an id of more digits than a workbook keeps is no id', async () => {
    const row = '<row r="2"><c r="A2"><v>1.23456789012346E+19</v></c></row>'
    writeFileSync(join(dir, 'long.xlsx'), workbook([{ name: 'S', rows: header + row }]))
    const opened = await openFile(join(dir, 'long.xlsx'), {}, idFinder(connector, 'parts'))
    for await (const read of opened.rows()) {
      const [message] = messagesOfRow(connector, read, opened.name, 'parts')
      assert.ok(message)
      const { format, body, object } = message
      assert.equal(
        codeOf(() => connector.read(format, body, object)),
        'INVALID_ID',
      )
    }
  })
})

describe('sheets of a workbook', () => {
  const parts: TestSheet = { name: 'Parts', rows: header + texts(2, ['1', 'a', 'b'], ['2', 'c']) }
  const notes: TestSheet = { name: 'Notes', rows: texts(1, ['read me'], ['text', 'more']) }
  const want = [
    { id: '1', name: 'a', x: 'b' },
    { id: '2', name: 'c' },
  ]

  test('the only one with a column for the id is read, under any name of the file', async () => {
    const { rows, printed } = await open(workbook([notes, parts]), {}, 'parts.csv')
    assert.deepEqual(rows, want)
    assert.deepEqual(printed, [
      'Excel workbook, sheet "Parts"',
      'other sheets are not read: "Notes"',
    ])
  })

  test('of several the one is read that is named', async () => {
    const book = workbook([
      parts,
      { ...parts, name: 'Old' },
      { ...parts, name: 'Older', hidden: true },
    ])
    await assert.rejects(open(book), /the sheets "Parts", "Old"; name the one to read with --sheet/)
    await assert.rejects(
      open(book, { sheet: 'New' }),
      /no sheet "New"; it has "Parts", "Old", "Older"/,
    )
    assert.deepEqual((await open(book, { sheet: 'older' })).rows, want)
  })

  test('titles are left out, hidden rows are read, and notices say so', async () => {
    const rows =
      texts(1, ['Report'], [null, 'of today']) +
      texts(4, ['id', 'name']) +
      '<row r="7" hidden="1"><c r="A7" t="str"><v>1</v></c></row>'
    assert.deepEqual(await open(workbook([{ name: 'S', rows }])), {
      rows: [{ id: '1' }],
      printed: [
        'Excel workbook, sheet "S"',
        'the header is in row 4; the text above it, from row 1 on, is not a row',
        '1 hidden row is read like any other',
      ],
    })
  })

  test('rows end anywhere; one with a value beyond the header is an exception', async () => {
    const rows = header + texts(2, ['1'], [null, 'b'], ['2', 'c', 'd', 'e'])
    assert.deepEqual((await open(workbook([{ name: 'S', rows }]))).rows, [
      { id: '1' },
      { name: 'b' },
      'the row has a value in a column without a name; the header in row 1 has 3 columns',
    ])
  })

  test('merged cells among the rows are refused, above them they are titles', async () => {
    const merged = (ref: string) =>
      workbook([
        {
          ...parts,
          rows: texts(1, ['T']) + texts(3, ['id', 'name', 'x'], ['1', 'a', 'b']),
          after: `<mergeCells><mergeCell ref="${ref}"/></mergeCells>`,
        },
      ])
    assert.equal((await open(merged('A1:C1'))).rows.length, 1)
    await assert.rejects(open(merged('B3:C3')), /row 3: the cells B3:C3 are merged/)
    await assert.rejects(open(merged('A4:A5')), /row 4: the cells A4:A5 are merged/)
  })

  test('texts without end and cells without a column are refused', async () => {
    const long = 'x'.repeat(bounds.messageCharsMax + 200_000)
    const runs = '<r><t>xxxxxxxxxxxxxxxx</t></r>'.repeat(bounds.messageCharsMax / 16 + 1)
    const row = (cell: string) =>
      open(workbook([{ name: 'S', rows: `${header}<row r="2">${cell}</row>` }]))
    await assert.rejects(row(`<c r="A2" t="str"><v>${long}</v></c>`), /a text of more than/)
    await assert.rejects(
      row(`<c r="A2" t="inlineStr"><is>${runs}</is></c>`),
      /row 2: a cell has more than/,
    )
    for (const at of ['2', 'b2', 'XFE2'])
      await assert.rejects(
        row(`<c r="${at}" t="str"><v>1</v></c>`),
        /row 2: \w+ is not in a column from A to XFD/,
      )
  })

  test('other archives and damaged workbooks are named', async () => {
    await assert.rejects(open(zip({ 'content.xml': '<x/>' })), /OpenDocument file/)
    await assert.rejects(open(zip({ 'word/document.xml': '<x/>' })), /Word document/)
    await assert.rejects(open(zip({ 'xl/workbook.bin': 'x' })), /binary Excel workbook/)
    await assert.rejects(open(zip({ 'parts.csv': 'id,name\n1,a\n' })), /ZIP archive: unpack it/)
    await assert.rejects(open(workbook([parts]).subarray(0, -40)), /damaged or cut off/)
    await assert.rejects(
      open(workbook([{ name: 'S', rows: `${header}<row r="2"><c></row>` }])),
      /the workbook is damaged/,
    )
    const rows = header + texts(2, ...Array.from({ length: 500 }, (_, i) => [`${i}`, `n${i * 7}`]))
    const broken = workbook([{ name: 'S', rows }])
    const from = broken.indexOf('xl/worksheets/sheet1.xml') + 40
    await assert.rejects(
      open(broken.fill(0xff, from, from + 200)),
      (e) => e instanceof FileError && /the workbook is damaged/.test(e.message),
    )
  })
})

test('reads hostile codes and numbers of a megabyte', () => {
  const size = 1_000_000
  for (const unit of ['[', '[{"a":', '"', '[h', '\\', '_', 'd;', '0"'])
    assert.ok(cellFormat(1, unit.repeat(size / unit.length)).kind, unit)
  for (const end of ['', 'x', '.', 'E9999'])
    assert.ok(numberText(`${'9'.repeat(size)}${end}`, { kind: 'NUMBER' }, false) !== '', end)
})
