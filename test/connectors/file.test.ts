import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { FileError } from '../../connectors/file/fileError.ts'
import { jsonElements, lines } from '../../connectors/file/json.ts'
import { type FileOptions, fileRows } from '../../connectors/file/rows.ts'
import fc from '../property.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-file-'))
after(() => rmSync(dir, { recursive: true, force: true }))

async function rows(
  name: string,
  content: string | Uint8Array,
  options: FileOptions = {},
): Promise<unknown[]> {
  const path = join(dir, name)
  writeFileSync(path, content)
  const out: unknown[] = []
  for await (const { text } of fileRows(path, options)) out.push(JSON.parse(text))
  return out
}

test('CSV: detects delimiter and quotes from the header, and leaves empty cells out', async () => {
  const want = [
    { id: '1', name: 'A, B' },
    { id: '2', name: 'C "x"' },
  ]
  assert.deepEqual(await rows('a.csv', 'id,name,note\n1,"A, B",\n2,"C ""x""",\n'), want)
  assert.deepEqual(await rows('b.csv', '\ufeffid;name;note\r\n1;A, B;\r\n2;"C ""x""";\r\n'), want)
  assert.deepEqual(await rows('c.tsv', 'id\tname\tnote\n1\tA, B\t\n2\t"C ""x"""\t\n'), want)
  assert.deepEqual(await rows('d.csv', 'id`name`note\n1`A, B`\n2`"C ""x"""`\n'), want)
  assert.deepEqual(
    await rows('e.csv', "'id','name','note'\n'1','A, B',''\n'2','C \"x\"',''\n"),
    want,
  )
  assert.deepEqual(await rows('f.csv', 'id,"a,b;c;d;e"\n1,2\n'), [{ id: '1', 'a,b;c;d;e': '2' }])
  assert.deepEqual(await rows('g.csv', 'id#name\n1#A\n', { delimiter: '#' }), [
    { id: '1', name: 'A' },
  ])
})

test('CSV: reads line breaks in cells, stray quotes, repeated and missing column names, and no final line break', async () => {
  assert.deepEqual(await rows('h.csv', 'id,text\n1,"a\nb"\n\n2,5" pipe\n3,last'), [
    { id: '1', text: 'a\nb' },
    { id: '2', text: '5" pipe' },
    { id: '3', text: 'last' },
  ])
  assert.deepEqual(await rows('i.csv', 'a,,a\n1,2,3\n'), [{ a: '1', column_2: '2', a_2: '3' }])
  await assert.rejects(
    rows('i.csv', 'a,b,\n1,2,3\n4,5,6\n'),
    /line 1: column 3 has values, but no name/,
  )
  assert.deepEqual(await rows('j.csv', 'id,name\n'), [])
  assert.deepEqual(await rows('k.csv', ''), [])
})

test('CSV: yields a row that does not fit the header as a list of cells', async () => {
  assert.deepEqual(await rows('l.csv', 'id,name\n1,A\n2\n3,B,C\n'), [
    { id: '1', name: 'A' },
    ['2'],
    ['3', 'B', 'C'],
  ])
})

test('CSV: reads UTF-16 by its byte order mark, other encodings by option, and refuses bytes that are not UTF-8', async () => {
  const utf16 = Buffer.concat([
    Buffer.from([0xff, 0xfe]),
    Buffer.from('id,name\n1,Jürgen\n', 'utf16le'),
  ])
  assert.deepEqual(await rows('m.csv', utf16), [{ id: '1', name: 'Jürgen' }])
  const latin = Buffer.from('id,name\n1,Jürgen\n', 'latin1')
  assert.deepEqual(await rows('n.csv', latin, { encoding: 'windows-1252' }), [
    { id: '1', name: 'Jürgen' },
  ])
  await assert.rejects(
    rows('o.csv', latin),
    /o\.csv: line 2: the encoding is not UTF-8\..*--encoding.*windows-1252.*"1,Jürgen"/,
  )
})

test('JSON: reads an array, records, a Stripe list, NetSuite items, one object, a named member and values in a row', async () => {
  const want = [{ a: 1 }, { a: { items: [1] } }]
  const list = JSON.stringify(want)
  assert.deepEqual(await rows('a.json', list), want)
  assert.deepEqual(
    await rows('b.json', `{ "totalSize": 2, "done": true, "records": ${list} , "x": [1] }`),
    want,
  )
  assert.deepEqual(
    await rows('c.json', `{"object":"list","has_more":false,"data":${list},"url":"/v1"}`),
    want,
  )
  assert.deepEqual(
    await rows(
      'd.json',
      `{"links":[{"rel":"self"}],"count":2,"hasMore":false,"items":${list},"offset":0}`,
    ),
    want,
  )
  assert.deepEqual(
    await rows('e.json', `{"resources":{"one":{"a":1},"two":{"a":{"items":[1]}}},"more":{"b":2}}`, {
      at: 'resources',
    }),
    want,
  )
  assert.deepEqual(
    await rows('f.json', '{"id":"evt_1","object":"event","data":{"object":{"id":"x"}}}'),
    [{ id: 'evt_1', object: 'event', data: { object: { id: 'x' } } }],
  )
  assert.deepEqual(await rows('g.json', '{"id":1,"data":[1,2],"items":[3]}'), [
    { id: 1, data: [1, 2], items: [3] },
  ])
  assert.deepEqual(await rows('h.json', `\ufeff\n[]`), [])
  assert.deepEqual(
    await rows('i.json', '{"a":1}\n\n{"a":{"items":[1]}}'),
    want,
    'NDJSON without its name',
  )
  assert.deepEqual(
    await rows(
      'j.json',
      `${JSON.stringify(want[0], null, 2)}\n${JSON.stringify(want[1], null, 2)}`,
    ),
    want,
  )
})

test('NDJSON: yields a malformed line as it is and reads on', async () => {
  const path = join(dir, 'broken.ndjson')
  writeFileSync(path, '{"a":1}\r\n{"a":"x\n\n{"a":2}\n')
  const out: string[] = []
  for await (const { text } of fileRows(path)) out.push(text)
  assert.deepEqual(out, ['{"a":1}', '{"a":"x', '{"a":2}'])
})

test('recognises gzip by its first bytes', async () => {
  assert.deepEqual(await rows('z.csv', gzipSync('id,name\n1,A\n')), [{ id: '1', name: 'A' }])
  assert.deepEqual(await rows('z.ndjson.gz', gzipSync('{"a":1}\n')), [{ a: 1 }])
})

test('throws FileError with the file name for a missing file, a broken gzip and a truncated document', async () => {
  const failing = async (
    name: string,
    content: Uint8Array | string | null,
  ): Promise<[unknown[], string]> => {
    const out: unknown[] = []
    if (content !== null) writeFileSync(join(dir, name), content)
    try {
      for await (const { text } of fileRows(join(dir, name))) out.push(JSON.parse(text))
    } catch (e) {
      assert.ok(e instanceof FileError, String(e))
      return [out, e.message]
    }
    return [out, '']
  }
  assert.match((await failing('gone.csv', null))[1], /gone\.csv.*ENOENT/)
  assert.match(
    (await failing('cut.json.gz', gzipSync('[{"a":1}]').subarray(0, 15)))[1],
    /cut\.json\.gz/,
  )
  const [before, message] = await failing('cut.json', '[{"a":1},{"a":2},{"a":')
  assert.deepEqual(before, [])
  assert.match(message, /cut\.json: the file ends inside a value, after 2 rows/)
  assert.match((await failing('bracket.json', '[{"a":1}]]'))[1], /never opened/)
})

test('yields exactly the elements of a document, wherever its chunks end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.object({ maxDepth: 2 }), { maxLength: 8 }),
      fc.constantFrom(0, 2),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      async (values, indent, size, wrap) => {
        const text = JSON.stringify(
          wrap ? { x: '[{"', records: values, y: { z: [1] } } : values,
          null,
          indent,
        )
        async function* chunks() {
          for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size)
        }
        const out: unknown[] = []
        for await (const row of jsonElements(chunks(), null)) out.push(JSON.parse(row.text))
        assert.deepEqual(out, JSON.parse(JSON.stringify(values)))
      },
    ),
    { numRuns: 100 },
  )
})

test('throws FileError for a CSV whose gzip is truncated, before any row', async () => {
  const text = Array.from({ length: 100_000 }, (_, i) => `${i},${(i * 7919) % 100_003}`).join('\n')
  const packed = gzipSync(`id,n\n${text}`)
  const path = join(dir, 'cut.csv.gz')
  writeFileSync(path, packed.subarray(0, packed.length >> 1))
  let read = 0
  const reading = async () => {
    for await (const _ of fileRows(path)) read++
  }
  await assert.rejects(
    reading,
    (e) => e instanceof FileError && e.message.split('cut.csv.gz').length === 2,
  )
  assert.equal(read, 0)
})

test('reads no more of a file than its rows are taken', async () => {
  let taken = 0
  async function* endless() {
    for (;;) {
      taken++
      yield '{"a":1}\n'.repeat(100)
    }
  }
  let n = 0
  for await (const _ of lines(endless())) if (++n === 150) break
  assert.equal(taken, 2)
})
