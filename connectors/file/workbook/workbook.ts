import { FileError } from '../fileError.ts'
import type { Archive } from './archive.ts'
import { type CellFormat, cellFormat } from './cellFormat.ts'
import { cellCharsMax, longText, unescapeText, type WorkbookParts } from './sheet.ts'
import { readXml } from './xml.ts'

export interface Sheet {
  name: string
  hidden: boolean
  /** Its file in the archive. */
  file: string
}

export interface Workbook {
  sheets: Sheet[]
  parts: WorkbookParts
}

/** Characters of all shared texts; they are in memory while the sheet is read. */
const stringCharsMax = 256 * 1024 * 1024
/** Overhead of a text beside its characters, in characters. */
const charsPerString = 40
/** Unpacked bytes of the parts that list sheets and styles; real ones have some 100 kB. */
const listBytesMax = 16 * 1024 * 1024
/** Sheets of a workbook. */
const sheetsMax = 1_000

/**
 * Reads the parts of a workbook that its sheets refer to. Throws FileError for an archive that is no
 * Excel workbook.
 */
export async function readWorkbook(archive: Archive): Promise<Workbook> {
  if (!archive.has('xl/workbook.xml')) throw new FileError(otherArchive(archive))
  const { sheets, since1904 } = await readSheets(archive)
  return {
    sheets,
    parts: {
      since1904,
      formats: archive.has('xl/styles.xml') ? await readFormats(archive) : [],
      strings: archive.has('xl/sharedStrings.xml') ? await readStrings(archive) : [],
    },
  }
}

function otherArchive(archive: Archive): string {
  if (archive.has('xl/workbook.bin'))
    return 'the file is a binary Excel workbook (.xlsb): save it as .xlsx or CSV (UTF-8)'
  if (archive.has('content.xml'))
    return 'the file is an OpenDocument file (.ods): save it as .xlsx or CSV (UTF-8)'
  if (archive.has('word/document.xml'))
    return 'the file is a Word document: save its table as .xlsx or CSV (UTF-8)'
  return 'the file is a ZIP archive: unpack it and load the files in it'
}

async function readSheets(archive: Archive): Promise<{ sheets: Sheet[]; since1904: boolean }> {
  const found: { name: string; hidden: boolean; id: string }[] = []
  let since1904 = false
  await readXml(await archive.read('xl/workbook.xml', listBytesMax), {
    open: (name, at) => {
      if (name === 'workbookPr') since1904 = at.date1904 === '1' || at.date1904 === 'true'
      if (name !== 'sheet') return
      const id = Object.entries(at).find(([key]) => /^(?:\w+:)?id$/.test(key))?.[1] ?? ''
      if (found.length === sheetsMax)
        throw new FileError(`the workbook has more than ${sheetsMax} sheets`)
      found.push({ name: at.name ?? '', hidden: (at.state ?? 'visible') !== 'visible', id })
    },
  })
  const files = new Map<string, string>()
  await readXml(await archive.read('xl/_rels/workbook.xml.rels', listBytesMax), {
    open: (name, at) => {
      const target = at.Target ?? ''
      if (name === 'Relationship' && at.Type?.endsWith('/worksheet'))
        files.set(at.Id ?? '', target.startsWith('/') ? target.slice(1) : `xl/${target}`)
    },
  })
  const sheets = found.flatMap(({ name, hidden, id }) => {
    const file = files.get(id)
    // Sheets of charts have no cells.
    return file === undefined ? [] : [{ name, hidden, file }]
  })
  return { sheets, since1904 }
}

async function readFormats(archive: Archive): Promise<CellFormat[]> {
  const codes = new Map<number, string>()
  const formats: CellFormat[] = []
  let inCells = false
  await readXml(await archive.read('xl/styles.xml', listBytesMax), {
    open: (name, at) => {
      if (name === 'numFmt') codes.set(Number(at.numFmtId), at.formatCode ?? '')
      else if (name === 'cellXfs') inCells = true
      else if (name === 'xf' && inCells) {
        const id = Number(at.numFmtId ?? 0)
        formats.push(cellFormat(id, codes.get(id)))
      }
    },
    close: (name) => {
      if (name === 'cellXfs') inCells = false
    },
  })
  return formats
}

async function readStrings(archive: Archive): Promise<string[]> {
  const strings: string[] = []
  let text = ''
  let chars = 0
  let inText = false
  let inPhonetic = false
  await readXml(await archive.read('xl/sharedStrings.xml'), {
    open: (name) => {
      if (name === 'si') text = ''
      else if (name === 'rPh') inPhonetic = true
      else if (name === 't') inText = !inPhonetic
    },
    text: (part) => {
      if (inText) text += part
      if (text.length > cellCharsMax) throw new FileError(longText)
    },
    close: (name) => {
      if (name === 't') inText = false
      else if (name === 'rPh') inPhonetic = false
      else if (name === 'si') {
        strings.push(unescapeText(text))
        chars += text.length + charsPerString
        if (chars > stringCharsMax)
          throw new FileError(
            'the texts of the workbook are too long; save the sheet as CSV (UTF-8)',
          )
      }
    },
  })
  return strings
}
