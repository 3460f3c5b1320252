import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  brotliCompressSync,
  constants,
  crc32,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { WebSocket } from 'ws'
import { workbook, zip } from '../connectors/workbook.ts'
import type { Attack } from './attack.ts'
import { load } from './load.ts'
import { peakMemoryMb } from './product.ts'
import { inParallel, send } from './requests.ts'

const MB = 1_000_000
const memoryMbMax = 200

/** Sends small bodies that unpack to large ones, in every coding that HTTP clients may use. */
export async function attackBodies({ product, findings }: Attack): Promise<string> {
  const { origin } = product
  const pid = product.command.child.pid ?? 0
  const large = Buffer.alloc(100 * MB, 0x20)
  const codings: [string, Buffer, number[]][] = [
    ['gzip', gzipSync(large), [413]],
    ['x-gzip', Buffer.concat(Array(50).fill(gzipSync(large.subarray(0, MB)))), [413]],
    ['deflate', deflateSync(large), [413]],
    ['br', brotliCompressSync(large, QUICK), [413]],
    ['zstd', zstdCompressSync(large), [413]],
    ['zstd', zstdCompressSync(large, WIDE), [400]],
    ['zstd', Buffer.concat(Array(50).fill(zstdCompressSync(large.subarray(0, MB)))), [400, 413]],
    ['gzip, gzip', gzipSync(gzipSync(large)), [415]],
    ['gzip', gzipSync(large).subarray(0, 1_000), [400, 413]],
    ['br', Buffer.from('{"query":"{__typename}"}'), [400]],
    ['constructor', Buffer.from('{}'), [415]],
    ['__proto__', Buffer.from('{}'), [415]],
  ]
  const before = peakMemoryMb(pid)
  await inParallel([...codings, ...codings, ...codings], 8, async ([coding, body, statuses]) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': coding }
    const { status, text } = await send(origin, { path: '/graphql', headers, body })
    if (!statuses.includes(status))
      findings.add(`a bomb of the coding ${coding} got ${status}`, `${body.length} bytes`, text)
    const delivered = await send(origin, { path: '/ingest/webshop/customers', headers, body })
    if (delivered.status !== 415)
      findings.add(`a packed delivery got ${delivered.status}`, coding, delivered.text)
  })
  const grown = peakMemoryMb(pid) - before
  if (grown > memoryMbMax) findings.add('bombs took memory', `${Math.round(grown)} MB`)
  await attackFrames(origin, findings)
  return `${codings.length * 3} packed bodies, ${Math.round(grown)} MB more memory`
}

const QUICK = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
const WIDE = { params: { [constants.ZSTD_c_windowLog]: 27 } }

/** Offers to compress the messages of a WebSocket, and sends a packed one nevertheless. */
async function attackFrames(origin: string, findings: Attack['findings']): Promise<void> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  await once(socket, 'open')
  if (socket.extensions !== '') findings.add('a WebSocket agrees on compression', socket.extensions)
  const packed = deflateRawSync(Buffer.alloc(10 * MB, 0x20))
  const head = Buffer.alloc(14)
  head[0] = 0xc1 // final, compressed, text
  head[1] = 0xff // masked, with a length of 8 bytes
  head.writeBigUInt64BE(BigInt(packed.length), 2)
  Reflect.get(socket, '_socket').write(Buffer.concat([head, packed]))
  const [code] = (await Promise.race([once(socket, 'close'), sleep(5_000, [0])])) as [number]
  if (code !== 1002) findings.add(`a packed message of a WebSocket closed it with ${code}`, '')
  socket.terminate()
}

/** A file that unpacks, or grows, to much more than it is. */
type Bomb = (path: string) => void

const header = 'shop_customer_id,modified_at,company_name\n'
const row = '1,2026-01-01T00:00:00Z,a\n'
const packedMb = 400

const BOMBS: Readonly<Record<string, Bomb>> = {
  'zeros.csv.gz': (path) => members(path, '', Buffer.alloc(MB), packedMb),
  'one-cell.csv.gz': (path) => members(path, `${header}1,2,"`, Buffer.alloc(MB, 0x61), packedMb),
  'open-quote.csv.gz': (path) => members(path, `${header}1,2,"`, Buffer.alloc(MB, 0x0a), packedMb),
  'many-cells.csv.gz': (path) =>
    members(path, `${header}1,2,`, Buffer.from('"a\n",'.repeat(MB / 5)), packedMb),
  'columns.csv.gz': (path) => members(path, '', Buffer.from('a,'.repeat(MB / 2)), packedMb),
  'blank.ndjson.gz': (path) => members(path, '', Buffer.alloc(MB, 0x20), packedMb),
  'brackets.json.gz': (path) => members(path, '', Buffer.alloc(MB, 0x5b), packedMb),
  'strings.json.gz': (path) => members(path, '{"a":"', Buffer.alloc(MB, 0x61), packedMb),
  'members.json.gz': (path) => members(path, '{', Buffer.from('"a":1,'.repeat(MB / 6)), packedMb),
  'same-names.csv': (path) => writeFileSync(path, `${'a,'.repeat(2 * MB)}b\n${row}`),
  'same-values.csv': (path) =>
    writeFileSync(path, `${'1,'.repeat(30_000)}1\n`.repeat(30) + header + row),
  'quoted-lines.csv': (path) => writeFileSync(path, `a,"${'\n'.repeat(3 * MB)}`),
  'quotes.csv': (path) => writeFileSync(path, `${header}1,2,"${'""\n'.repeat(MB)}`),
  'strings.xlsx': (path) =>
    bomb(path, 'xl/sharedStrings.xml', '<sst>', '<si><t>ab</t></si>', packedMb, '</sst>'),
  'one-string.xlsx': (path) =>
    bomb(path, 'xl/sharedStrings.xml', '<sst><si><t>', 'aaaa', packedMb, '</t></si></sst>'),
  'parts.xlsx': (path) =>
    bomb(path, 'xl/sharedStrings.xml', '<sst><si>', '<t>aaaa</t>', packedMb, '</si></sst>'),
  'levels.xlsx': (path) => bomb(path, 'xl/worksheets/sheet1.xml', '<a>', '<a>', packedMb, ''),
  'attributes.xlsx': (path) =>
    bomb(path, 'xl/worksheets/sheet1.xml', '<a ', 'b="" ', packedMb, '/>'),
  'comment.xlsx': (path) => bomb(path, 'xl/worksheets/sheet1.xml', '<a><!--', 'x ', packedMb, ''),
  'merged.xlsx': (path) =>
    bomb(path, 'xl/worksheets/sheet1.xml', '<a>', '<mergeCell ref="A1:B2"/>', packedMb, '</a>'),
  'cells.xlsx': (path) =>
    bomb(
      path,
      'xl/worksheets/sheet1.xml',
      '<a><row>',
      '<c r="A1"><v>1</v></c>',
      packedMb,
      '</row></a>',
    ),
  'value.xlsx': (path) =>
    bomb(path, 'xl/worksheets/sheet1.xml', '<a><row><c>', '<v>123</v>', packedMb, '</c></row></a>'),
  'sheets.xlsx': (path) =>
    bomb(path, 'xl/workbook.xml', '<a>', '<sheet name="a" r:id="rId1"/>', 15, '</a>'),
  'styles.xlsx': (path) => bomb(path, 'xl/styles.xml', '<a>', '<xf/>', packedMb, '</a>'),
  'wide-row.xlsx': (path) =>
    writeFileSync(
      path,
      workbook(
        [{ name: 'A', rows: `<row>${'<c t="s"><v>0</v></c>'.repeat(16_000)}</row>` }],
        [`<t>${'a'.repeat(900_000)}</t>`],
      ),
    ),
  'entries.xlsx': (path) =>
    writeFileSync(
      path,
      zip({
        'xl/workbook.xml': '<a/>',
        ...Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`a${i}`, ''])),
      }),
    ),
  'two-entries.xlsx': (path) => {
    const made = workbook([{ name: 'A', rows: '<row><c><v>1</v></c></row>' }])
    // Both names have the same length, so the archive stays whole.
    writeFileSync(path, replaced(made, 'xl/sharedStrings.xml', 'xl/workbook.xml_____'))
  },
  'sizes.xlsx': (path) => {
    const made = workbook([{ name: 'A', rows: '<row><c><v>1</v></c></row>'.repeat(100_000) }])
    // The last entry of the directory states its unpacked size at this place.
    const at = made.lastIndexOf('PK\x01\x02', undefined, 'latin1')
    made.writeUInt32LE(100, at + 24)
    writeFileSync(path, made)
  },
}

/** Loads bombs, one by one: each is refused with a reason or read within the bounds of memory. */
export async function attackUnpackers(at: Attack, share: number): Promise<string> {
  const dir = join(at.product.dir, 'bombs')
  mkdirSync(dir, { recursive: true })
  const chosen = Object.entries(BOMBS).filter(() => at.source.chance(share))
  for (const [name, make] of chosen) {
    const path = join(dir, name)
    make(path)
    await load(at, {
      path,
      args: ['--source', 'webshop', '--object', 'customers'],
      rows: 0,
      mayFail: true,
    })
  }
  return `${chosen.length} of ${Object.keys(BOMBS).length} bombs`
}

/** Writes a file of packed parts, each of which unpacks to the same bytes. */
function members(path: string, first: string, part: Buffer, count: number): void {
  const file = openSync(path, 'w')
  if (first !== '') writeSync(file, gzipSync(first))
  const packed = gzipSync(part)
  for (let n = 0; n < count; n++) writeSync(file, packed)
  closeSync(file)
}

/** Writes a workbook of which one part is `unit` again and again, until it has so many MB. */
function bomb(
  path: string,
  name: string,
  before: string,
  unit: string,
  sizeMb: number,
  after: string,
): void {
  const part = Buffer.from(unit.repeat(Math.ceil(MB / unit.length)))
  const flush = { finishFlush: constants.Z_FULL_FLUSH }
  const [head, body] = [deflateRawSync(before, flush), deflateRawSync(part, flush)]
  let crc = crc32(before)
  for (let n = 0; n < sizeMb; n++) crc = crc32(part, crc)
  const data = Buffer.concat([head, ...Array<Buffer>(sizeMb).fill(body), deflateRawSync(after)])
  const size = before.length + part.length * sizeMb + after.length
  const given = workbook([{ name: 'A', rows: '<row><c><v>1</v></c></row>' }], ['<t>x</t>'])
  writeFileSync(path, withEntry(given, name, data, size, crc32(after, crc)))
}

/** Returns a ZIP archive with one more entry, in place of the one of that name. */
function withEntry(archive: Buffer, name: string, data: Buffer, size: number, crc: number): Buffer {
  const hidden = replaced(archive, name, name.replace(/.$/, '_'))
  const end = hidden.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  const directoryAt = hidden.readUInt32LE(end + 16)
  const facts = Buffer.alloc(26)
  facts.writeUInt16LE(20, 0)
  facts.writeUInt16LE(8, 4)
  facts.writeUInt32LE(crc, 10)
  facts.writeUInt32LE(data.length, 14)
  facts.writeUInt32LE(size, 18)
  facts.writeUInt16LE(name.length, 22)
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(directoryAt, 10)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, Buffer.from(name), data])
  const entry = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\0', 'latin1'),
    facts,
    rest,
    Buffer.from(name),
  ])
  const directory = Buffer.concat([hidden.subarray(directoryAt, end), entry])
  const tail = Buffer.from(hidden.subarray(end))
  const entries = tail.readUInt16LE(8) + 1
  tail.writeUInt16LE(entries, 8)
  tail.writeUInt16LE(entries, 10)
  tail.writeUInt32LE(directory.length, 12)
  tail.writeUInt32LE(directoryAt + local.length, 16)
  return Buffer.concat([hidden.subarray(0, directoryAt), local, directory, tail])
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1')
}
