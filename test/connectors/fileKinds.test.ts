import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { MessageError } from '../../connectors/contract.ts'
import { nameColumns } from '../../connectors/file/cellText.ts'
import { idFinder, messagesOfRow } from '../../connectors/file/rowMessage.ts'
import { type FileOptions, openFile } from '../../connectors/file/rows.ts'
import { withMapping } from './fixture.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-kinds-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const connector = withMapping(
  'objects:\n  parts:\n    as: Product\n    id: id\n    fields: { name: name }\n',
)

/** Returns the records of a file, and exceptions as texts; throws for a file that is refused. */
async function load(
  content: string | Buffer,
  options: FileOptions = {},
  name = 'parts.csv',
): Promise<unknown[]> {
  writeFileSync(join(dir, name), content)
  const opened = await openFile(join(dir, name), options, idFinder(connector, 'parts'))
  const out: unknown[] = []
  for await (const row of opened.rows())
    for (const message of messagesOfRow(connector, row, opened.name, 'parts'))
      try {
        for (const { raw } of connector.read(message.format, message.body, message.object))
          out.push(raw)
      } catch (e) {
        if (!(e instanceof MessageError)) throw e
        out.push(`${e.code} ${e.message}`)
      }
  return out
}

async function notices(content: string | Buffer, options: FileOptions = {}): Promise<string[]> {
  writeFileSync(join(dir, 'notices.csv'), content)
  const opened = await openFile(join(dir, 'notices.csv'), options, idFinder(connector, 'parts'))
  return [opened.description, ...opened.notices]
}

const refused = async (
  content: string | Buffer,
  reason: RegExp,
  options: FileOptions = {},
  name?: string,
) => {
  await assert.rejects(load(content, options, name), (e: Error) => {
    assert.match(e.message, reason)
    return true
  })
}

describe('quotes', () => {
  test('refuses a quote that is not closed, with the line where it opens', async () => {
    await refused('id,name,t\n1,a,x\n2,b,"x\n3,c,x\n', /parts\.csv: line 3, cell 3: .*never closes/)
    await refused(
      'id,name\n1,"a\n2,b\n3,"c"\n',
      /line 2, cell 2: .*text follows the next quote in line 4/,
    )
    await refused('id,name\n1,a\n2,"cut o', /line 3, cell 2/)
    await refused('id\tname\n1\t"a" b\n', /line 2, cell 2: text follows the quote/)
    await refused('id,name\n1,"says "hi", and\nmore, text"\n', /line 2, cell 2/)
  })

  test('refuses a cell whose lines look like rows, unless cells may span lines', async () => {
    const text = 'id;name;t\n1;"a;x\n2;b;x\n3;c";x\n4;d;x\n'
    await refused(text, /line 2, cell 2: .*closes in line 4.*--quotes span/)
    assert.deepEqual(await load(text, { quotes: 'span' }), [
      { id: '1', name: 'a;x\n2;b;x\n3;c', t: 'x' },
      { id: '4', name: 'd', t: 'x' },
    ])
    assert.deepEqual(await load('id;name;t\n1;"two\nlines; here";x\n'), [
      { id: '1', name: 'two\nlines; here', t: 'x' },
    ])
  })

  test('reads each line as a row, or quotes as text, when asked to', async () => {
    assert.deepEqual(await load('id,name\n1,"a\n2,b\n3,"c" d\n4,"d, e"\n', { quotes: 'lines' }), [
      'BROKEN_ROW parts.csv, line 2: cell 2 has a quote that is not closed before the delimiter',
      { id: '2', name: 'b' },
      'BROKEN_ROW parts.csv, line 4: cell 2 has a quote that is not closed before the delimiter',
      { id: '4', name: 'd, e' },
    ])
    assert.deepEqual(await load('id\tname\n1\t"a\n2\t"b" c\n', { quotes: 'none' }), [
      { id: '1', name: '"a' },
      { id: '2', name: '"b" c' },
    ])
  })

  test('takes a quote within a cell without quotes as text, and blanks around quotes as none', async () => {
    assert.deepEqual(await load('id,name\n1,5" pipe\n2, "b, c" \n'), [
      { id: '1', name: '5" pipe' },
      { id: '2', name: 'b, c' },
    ])
  })
})

describe('tables of office programs', () => {
  const rows = [
    { id: '1', name: 'a', t: 'x' },
    { id: '2', name: 'b', t: 'x' },
  ]
  const files: [string, string | Buffer][] = [
    ['the delimiter named, a tab', 'sep=\t\r\nid\tname\tt\r\n1\ta\tx\r\n2\tb\tx\r\n'],
    ['the delimiter named, and saved again', 'sep=;;;\r\nid;name;t\r\n1;a;x\r\n2;b;x\r\n'],
    ['carriage returns', 'id,name,t\r1,a,x\r2,b,x\r'],
    ['all ends of lines', 'id,name,t\n1,a,x\r2,b,x\r\n'],
    ['a return too many', 'id,name,t\r\r\n1,a,x\r\r\n2,b,x\r\r\n'],
    ['blank lines', 'id,name,t\n\n1,a,x\n  \n\n2,b,x\n\n'],
    ['rows of delimiters alone', 'id;name;t\n1;a;x\n;;\n2;b;x\n;;\n"";;\n'],
    ['pipes', 'id|name|t\n1|a|x\n2|b|x'],
    ['several titles', 'Report\nof,today\n\nid,name,t\n1,a,x\n2,b,x\n'],
    ['groups above the names', 'Key,,\nid,name,t\n1,a,x\n2,b,x\n'],
    ['a delimiter at the end of all', 'id,name,t,\n1,a,x,\n2,b,x,\n'],
    ['empty columns at the end of the header', 'id,name,t,,,\n1,a,x\n2,b,x\n'],
    ['a joined file', '\ufeffid,name,t\n1,a,x\n\ufeffid,name,t\n2,b,x\n'],
    ['gzip', gzipSync('id,name,t\n1,a,x\n2,b,x\n')],
    [
      'text formulas',
      'id,name,t\n="1",="a","=""x"""\n\'2,"=HYPERLINK(""http://b.example"",""b"")",x\n',
    ],
  ]
  for (const [what, content] of files)
    test(`reads a file with ${what}`, async () => {
      assert.deepEqual(await load(content), rows)
    })

  test('says what it reads in another way than it is written', async () => {
    assert.deepEqual(await notices('Titel\n\nid;name;name;;x\n="1";a;b;c;d\n'), [
      'CSV, delimiter ";", utf-8',
      'the header is in line 3; the text above it, from line 1 on, is not a row',
      'column 3 is a second "name"; it is called name_2',
      'column 4 has no name; it is called column_4',
      '1 cell is written as ="text", \'text or a link; the text is read',
    ])
    assert.deepEqual(await notices('id,name\n1,a\nid,name\n2,b\n,\n,\n'), [
      'CSV, delimiter ",", utf-8',
      '1 repeated header is left out',
      '2 rows without any value are left out',
    ])
  })

  test('refuses a file without a column for the id, or with the rows of another', async () => {
    await refused(
      '1,a,x\n2,b,x\n',
      /line 1: the header has no column for the id; its columns are "1", "a", "x"/,
    )
    await refused('id,name\n1,a\nname,id\nb,2\n', /line 3: another file begins here/)
    await refused('id,name\n1,a\n\ufeffid,title\n2,b\n', /line 3: another file begins here/)
    await refused(
      'id,name\n1,a,b\n2,c,d\n',
      /line 2: the row has 3 cells, but the header in line 1 has 2 columns/,
    )
  })

  test('makes an exception, with its line, of a row that cannot be used alone', async () => {
    assert.deepEqual(
      await load(
        'id,name,t\n1,a,x\n2,b\n3,c,x,y\n4,d,\n5,=SUM(A1:A9),x\n6,"f\0",x\n,g,x\n1.2E+05,h,x\n"1,2E+05",i,x\nGrand total,9,9\nGenerated by me,,\nGrand Totals (2 records)\n',
      ),
      [
        { id: '1', name: 'a', t: 'x' },
        'BROKEN_ROW parts.csv, line 3: the row has 2 cells, but the header in line 1 has 3 columns',
        'BROKEN_ROW parts.csv, line 4: the row has 4 cells, but the header in line 1 has 3 columns',
        { id: '4', name: 'd' },
        'BROKEN_ROW parts.csv, line 6: the cell of column "name" is a formula; save the file with its values',
        'BROKEN_ROW parts.csv, line 7: the cell of column "name" has a NUL character',
        'MISSING_ID parts.csv, line 8: a record of parts has no id, so it cannot be distinguished from others',
        'INVALID_ID parts.csv, line 9: the id is "1.2E+05", a number that a spreadsheet has rounded, so several records may have it; export the column as text',
        'INVALID_ID parts.csv, line 10: the id is "1,2E+05", a number that a spreadsheet has rounded, so several records may have it; export the column as text',
        'TOTAL_ROW parts.csv, line 11: the id is "Grand total", as in a row of totals',
        'BROKEN_ROW parts.csv, line 12: only one cell has a text, as in a title or a footer',
        'BROKEN_ROW parts.csv, line 13: the row has 1 cell, but the header in line 1 has 3 columns',
      ],
    )
  })

  test('takes no value that moved: a delimiter too many is not one at the end', async () => {
    const out = await load('id,name,t\n1,a,x\n2,b,c,\n3,d,x\n')
    assert.match(String(out[1]), /line 3: the row has 4 cells/)
  })

  test('keeps names and ids that only look like formulas or numbers', async () => {
    assert.deepEqual(await load("id,name\nE5,'s-Hertogenbosch\n12E5,=> see note\n1E5,'t Hof\n"), [
      { id: 'E5', name: "'s-Hertogenbosch" },
      { id: '12E5', name: '=> see note' },
      { id: '1E5', name: "'t Hof" },
    ])
  })

  test('does not take a carriage return within a cell for the end of a row', async () => {
    const out = await load('id,name\n1,a\rb\n2,c\n')
    assert.match(String(out[0]), /BROKEN_ROW parts\.csv, line 2: a carriage return/)
    assert.match(String(out[1]), /BROKEN_ROW parts\.csv, line 3: a carriage return/)
    assert.deepEqual(out.slice(2), [{ id: '2', name: 'c' }])
  })
})

describe('other encodings and formats', () => {
  const utf16 = (text: string) => Buffer.from(text, 'utf16le')

  test('detects UTF-16 without its mark, in either order of bytes', async () => {
    const want = [{ id: '1', name: 'Łódź' }]
    assert.deepEqual(await load(utf16('id;name\r\n1;Łódź\r\n')), want)
    assert.deepEqual(await load(utf16('id;name\r\n1;Łódź\r\n').swap16()), want)
    assert.deepEqual(await notices(utf16('id;name\r\n1;Łódź\r\n')), [
      'CSV, delimiter ";", utf-16le by its NUL bytes, without byte order mark',
    ])
  })

  test('asks for an encoding that it cannot detect', async () => {
    const latin = Buffer.from('id;name\n1;a\n2;Höfler\n', 'latin1')
    await refused(latin, /line 3: the encoding is not UTF-8.*--encoding.*"2;Höfler"/)
    await refused(latin, /line 3: the bytes are not of the encoding euc-jp/, {
      encoding: 'euc-jp',
    })
    await refused(latin, /the encoding "latin-99" is not known/, { encoding: 'latin-99' })
    await refused(Buffer.from('id,name\n1,\x1b$B4A;z\x1b(B\n'), /ISO-2022/)
    await refused(Buffer.from('\xff\xfe\0\0i\0\0\0', 'latin1'), /UTF-32/)
    await refused(utf16('id;name\r\n1;a').subarray(0, -1), /incomplete/)
  })

  test('names what a file is that is no table', async () => {
    await refused(
      Buffer.from('PK\x03\x04rest'),
      /an Excel workbook or a ZIP archive that is damaged or cut off/,
    )
    await refused(Buffer.from('\xd0\xcf\x11\xe0rest', 'latin1'), /Excel 97 workbook/)
    await refused('%PDF-1.7\n', /PDF/)
    await refused('<!DOCTYPE html><table>', /HTML page/)
    await refused('\n<table><tr><td>id', /HTML page/)
    await refused('<?xml version="1.0"?><Workbook>', /XML document/)
    await refused(Buffer.from('PAR1'), /Parquet/)
    await refused(gzipSync(gzipSync('id,name\n')), /gzip twice/)
    await refused(
      'id,name\n1,a\n',
      /named \.ndjson, but does not begin as JSON/,
      {},
      'parts.ndjson',
    )
  })

  test('reads JSON under another name, and brackets in a header as CSV', async () => {
    const want = [{ id: '1', name: 'a' }]
    assert.deepEqual(await load('[\n{"id":"1","name":"a"}\n]\n', {}, 'parts.ndjson'), want)
    assert.deepEqual(await load('{\n"id":"1",\n"name":"a"\n}\n', {}, 'parts.jsonl'), want)
    assert.deepEqual(await load('{"id":"1","name":"a"}\n'), want)
    assert.deepEqual(await load('[x];id;name\n;1;a\n'), want)
  })

  test('a broken line of NDJSON is an exception with its line', async () => {
    assert.deepEqual(
      await load('{"id":"1","name":"a"}\n{"id":\n{"name":"b"}\n', {}, 'parts.ndjson'),
      [
        { id: '1', name: 'a' },
        'BROKEN_JSON parts.ndjson, line 2: the body is not valid JSON',
        'MISSING_ID parts.ndjson, line 3: a record of parts has no id, so it cannot be distinguished from others',
      ],
    )
  })
})

test('refuses a file that changes after its check, before or while its rows are read', async () => {
  const path = join(dir, 'grows.csv')
  for (const taken of [0, 1]) {
    writeFileSync(path, 'id,name\n1,a\n2,b\n')
    const opened = await openFile(path)
    const rows = opened.rows()
    if (taken > 0) await rows.next()
    appendFileSync(path, '3,c\n')
    await assert.rejects(async () => {
      for await (const _ of rows);
    }, /grows\.csv: the file was changed while it was read/)
  }
})

test('a mistake of the program is not taken for a fault of the file', async () => {
  const path = join(dir, 'good.csv')
  writeFileSync(path, 'id,name\n1,a\n')
  await assert.rejects(
    openFile(path, {}, () => {
      throw new TypeError('a mistake')
    }),
    TypeError,
  )
})

describe('the time to read a file grows with its length alone', () => {
  const inTime = async (work: () => unknown) => {
    const from = performance.now()
    await work()
    assert.ok(performance.now() - from < 5_000, `${performance.now() - from} ms`)
  }

  test('with columns of one name', async () => {
    await inTime(() => {
      const names = nameColumns(['x_3', ...Array.from({ length: 60_000 }, () => 'x')])
      assert.deepEqual(names.slice(0, 4), ['x_3', 'x', 'x_2', 'x_4'])
      assert.equal(new Set(names).size, 60_001)
    })
  })

  test('with a quote that opens in the first line and never closes', async () => {
    await inTime(() => refused(`"a\n${'b\n'.repeat(32_000)}`, /never closes/))
  })
})

test('long numbers keep their digits in a row that fails', () => {
  const [message] = messagesOfRow(
    connector,
    { text: '{"no":12345678901234567891}', at: 1 },
    'a.ndjson',
    'parts',
  )
  assert.match(message?.body ?? '', /"record":\{"no":12345678901234567891\}/)
})
