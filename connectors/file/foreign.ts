/** A format that is not read, by its first bytes. `is` ends the sentence "the file is". */
interface Foreign {
  begins: string
  is: string
}

const asCsv = 'save it as CSV (UTF-8) and load that'

/** In the order of their tests; `begins` is a text in Latin-1. */
const FOREIGN: readonly Foreign[] = [
  {
    begins: '\xd0\xcf\x11\xe0',
    is: `an Excel 97 workbook (.xls), a workbook with a password or another Office file: ${asCsv}`,
  },
  { begins: '%PDF', is: 'a PDF document: load the data that it was made from' },
  { begins: '{\\rtf', is: `a text document (RTF): ${asCsv}` },
  { begins: 'PAR1', is: 'a Parquet file: export it as CSV or NDJSON and load that' },
  { begins: 'Obj\x01', is: 'an Avro file: export it as CSV or NDJSON and load that' },
  { begins: 'ORC', is: 'an ORC file: export it as CSV or NDJSON and load that' },
  { begins: 'SQLite format 3', is: 'an SQLite database: export its table as CSV and load that' },
  { begins: '7z\xbc\xaf', is: 'a 7z archive: unpack it and load the file in it' },
  { begins: 'Rar!', is: 'a RAR archive: unpack it and load the file in it' },
  { begins: 'BZh', is: 'packed with bzip2: unpack it, or pack it with gzip' },
  { begins: '\xfd7zXZ', is: 'packed with xz: unpack it, or pack it with gzip' },
  { begins: '\x28\xb5\x2f\xfd', is: 'packed with zstd: unpack it, or pack it with gzip' },
  { begins: '\x1f\x8b', is: 'packed with gzip twice: unpack it once' },
  { begins: '\x89PNG', is: 'an image' },
  { begins: '\xff\xd8\xff', is: 'an image' },
]

/** Returns what a file is that cannot be read, and the way out; null for text and for workbooks. */
export function foreignFormat(head: Buffer): string | null {
  const bytes = head.toString('latin1', 0, 1024)
  const known = FOREIGN.find((f) => bytes.startsWith(f.begins))
  if (known) return known.is
  if (bytes.slice(257, 262) === 'ustar') return 'a tar archive: unpack it and load the files in it'
  const text = bytes
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .slice(0, 200)
    .toLowerCase()
  if (/^(<!doctype html|<html|<table|<head|<body|<meta)/.test(text))
    return `an HTML page, as some systems call an Excel export, or the answer of a login page: ${asCsv}`
  if (/^<\?xml|^<[a-z][\w:.-]*[\s>]/.test(text)) return `an XML document: ${asCsv}`
  return null
}

/** Returns whether the bytes begin a ZIP archive, as workbooks are. */
export function isZip(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'PK\x03\x04'
}
