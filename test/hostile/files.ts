import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { workbook } from '../connectors/workbook.ts'
import { hostileRecord, objectsOf, type System } from './records.ts'
import { type Source, TOKENS } from './tokens.ts'

/** A file for `touchstone load`, with its arguments. */
export interface HostileFile {
  path: string
  args: string[]
  rows: number
  /** True if the file itself is no table: it may be refused as a whole. */
  mayFail: boolean
}

/** Writes a large file of NDJSON, the quickest way for many records. */
export function recordsFile(
  source: Source,
  dir: string,
  name: string,
  system: System,
  rows: number,
  large = 0,
): HostileFile {
  const object = source.one(objectsOf(system).filter((o) => Object.keys(o.required).length > 0))
  const lines = Array.from({ length: rows }, () => hostileRecord(source, system, object).json)
  for (let n = 0; n < large; n++) lines.push(largeRecord(source, object.id, object.version, n))
  const path = join(dir, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return {
    path,
    args: ['--source', system, '--object', object.name, '--format', 'ndjson'],
    rows: rows + large,
    mayFail: false,
  }
}

const largeChars = 1_000_000

/** A text of 1 MB as JSON, which writes some characters as six. */
function largeText(source: Source): string {
  const text = source.long(largeChars)
  const json = JSON.stringify(text)
  return json.length <= largeChars * 1.1
    ? json
    : JSON.stringify(text.slice(0, largeChars ** 2 / json.length))
}

/** A record with a value, a key or an id of 1 MB. */
function largeRecord(source: Source, id: string, version: string, n: number): string {
  const text = largeText(source)
  const fields = `${JSON.stringify(id)}:"L-${n}",${JSON.stringify(version)}:"2026-01-01T00:00:00Z"`
  return source.one([
    `{${fields},"company_name":${text},"Name":${text},"name":${text}}`,
    `{${fields},"company_name":"x","email":${text},"phone":${text},"website":${text}}`,
    `{${fields},${text}:"x"}`,
    `{${JSON.stringify(id)}:${text}}`,
    `{${fields},"title":${text},"full_name":${text},"street":${text},"BillingStreet":${text}}`,
    `{${fields},"a":${'9'.repeat(largeChars)}}`,
    `{${fields},"a":${'['.repeat(largeChars / 2)}${']'.repeat(largeChars / 2)}}`,
    `{${fields},"a":[${'1,'.repeat(largeChars / 2)}1]}`,
  ])
}

/** Writes a file of any kind, or of none. */
export function hostileFile(source: Source, dir: string, number: number): HostileFile {
  const names = ['shop_customer_id', 'modified_at', 'company_name', 'email', 'phone', 'street']
  const header = [...names, ...source.some(TOKENS, 3)]
  const rows = Array.from({ length: 1 + source.below(30) }, (_, i) =>
    header.map((_, c) =>
      c === 0 ? `F${number}-${i}` : c === 1 ? '2026-01-01T00:00:00Z' : source.text(),
    ),
  )
  const kind = source.one(['csv', 'csv', 'json', 'xlsx', 'bytes', 'text'] as const)
  const made = (extension: string, bytes: string | Buffer, ...args: string[]): HostileFile => {
    const word = source.chance(0.3) ? source.one(TOKENS).replace(/[/\0]/g, '_').slice(0, 60) : ''
    const path = join(dir, `${number}${word.isWellFormed() ? word : ''}.${extension}`)
    writeFileSync(path, bytes)
    return {
      path,
      args: ['--source', 'webshop', '--object', 'customers', ...args],
      rows: rows.length,
      mayFail: true,
    }
  }
  const delimiter = source.one([',', ';', '\t', '|', 'a', '.'])
  const quoted = (cell: string) =>
    source.chance(0.7) ? `"${cell.replaceAll('"', '""')}"` : source.chance(0.5) ? `"${cell}"` : cell
  const csv = [header, ...rows]
    .map((r) => r.map(quoted).join(delimiter))
    .join(source.one(['\n', '\r\n', '\r']))
  switch (kind) {
    case 'csv': {
      const text = source.chance(0.2) ? `\ufeff${csv}` : csv
      const bytes = source.chance(0.2)
        ? Buffer.from(text, 'utf16le')
        : Buffer.from(text, source.chance(0.2) ? 'latin1' : 'utf8')
      const args = [
        ...(source.chance(0.3)
          ? ['--delimiter', source.one([delimiter, '\\t', '€', 'ab', ''])]
          : []),
        ...(source.chance(0.3) ? ['--quotes', source.one(['check', 'span', 'lines', 'none'])] : []),
        ...(source.chance(0.2)
          ? ['--encoding', source.one(['windows-1252', 'utf-16le', 'x', 'constructor'])]
          : []),
      ]
      return made(
        source.chance(0.5) ? 'csv' : 'csv.gz',
        source.chance(0.3) ? gzipSync(bytes) : bytes,
        ...args,
      )
    }
    case 'json': {
      const records = rows.map(() => hostileRecord(source, 'webshop', objectsOf('webshop')[0]).json)
      const member = source.one(['records', 'data', 'items', 'constructor', '__proto__'])
      const text = source.one([
        `[${records.join(',')}]`,
        `{"${member}":[${records.join(',')}],"object":"list","hasMore":false}`,
        records.join(''),
        records.join('\n').slice(0, -3),
        `[[${records.join(',')}]]`,
        `${'['.repeat(100_000)}`,
        `{${'"a":{'.repeat(50_000)}`,
      ])
      return made('json', text, ...(source.chance(0.3) ? ['--at', member] : []))
    }
    case 'xlsx': {
      const cell = (text: string) =>
        `<c t="inlineStr"><is><t>${source.chance(0.9) ? xml(text) : text}</t></is></c>`
      const xmlRows = [header, ...rows].map((r) => `<row>${r.map(cell).join('')}</row>`).join('')
      const odd = source.chance(0.5)
        ? ''
        : source.one([
            '<row r="99999999999"><c r="A1"><v>1e999</v></c></row>',
            '<row r="-1"><c r="ZZZZZZZ1"><v>1</v></c></row>',
            '<row><c t="s"><v>999999999</v></c></row>',
            '<row><c t="s"><v>constructor</v></c><c t="__proto__"><v>x</v></c></row>',
            '<row><c s="1"><v>99999999999999</v></c><c s="-1"><v>-5</v></c><c t="d"><v>x</v></c></row>',
            '<row><c t="e"><v>#REF!</v></c><c><f>A1</f></c></row>',
            `<row>${'<c><v>1</v></c>'.repeat(16_385)}</row>`,
            `${'<a>'.repeat(20_000)}`,
            '<!DOCTYPE a [<!ENTITY b "x">]>&b;',
          ])
      return made('xlsx', workbook([{ name: 'A', rows: xmlRows + odd }], ['<t>x</t>']))
    }
    case 'bytes':
      return made(
        source.one(['csv', 'json', 'xlsx', 'parquet', 'gz']),
        source.one([
          Buffer.from(Array.from({ length: 500 }, () => source.below(256))),
          Buffer.from('PK\x03\x04'),
          Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`, 'latin1'),
          Buffer.from(`PAR1${'\xff'.repeat(100)}`, 'latin1'),
          Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]),
          Buffer.from([0xff, 0xfe, 0, 0xd8, 0x41, 0]),
          Buffer.alloc(0),
          Buffer.alloc(10_000),
        ]),
      )
    case 'text':
      return made('txt', Array.from({ length: 50 }, () => source.text()).join('\n'))
  }
}

function xml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
}
