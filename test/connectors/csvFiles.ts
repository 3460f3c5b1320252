/**
 * Generates CSV files of mixed dialects and damage, with their rows. Rows and values are known
 * from here, never from the product's reader.
 */
export interface GeneratedRow {
  id: string
  /** Texts by the names of their columns, as a record has them; empty cells are left out. */
  values: Map<string, string>
  /** The row was written in another way than its dialect, so it may become an exception. */
  damaged: boolean
}

export interface GeneratedFile {
  bytes: Buffer
  encoding: string | undefined
  rows: GeneratedRow[]
  /** Rows that have no line of their own, because the end of the line before them is lost. */
  fused: number
  /** Dialect and damages, for messages and counts. */
  dialect: string
  damages: Damage[]
  /** A cell has line breaks or quotes that other rows may hide in. */
  spansLines: boolean
  /** Number of columns with a name. */
  columns: number
}

export const DAMAGES = [
  'open quote',
  'quote at the end',
  'text after a quote',
  'single quotes inside',
  'missing cell',
  'more cells',
  'delimiter without quotes',
  'lost line end',
  'cut',
  'NUL',
  'invalid byte',
  'joined file',
  'joined file with other columns',
  'mark inside',
  'total',
  'footer',
  'rounded id',
  'formula',
  'return inside',
  'swallowed rows',
] as const
export type Damage = (typeof DAMAGES)[number]

export interface Random {
  /** A whole number from 0 to n - 1. */
  below(n: number): number
  chance(p: number): boolean
  pick<T>(values: readonly T[]): T
}

/** mulberry32: small, and the same on every machine. */
export function createRandom(seed: number): Random {
  let a = seed >>> 0
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    below: (n) => Math.floor(next() * n),
    chance: (p) => next() < p,
    pick: (values) => {
      const value = values[Math.floor(next() * values.length)]
      if (value === undefined) throw new Error('nothing to pick from')
      return value
    },
  }
}

const NAMES = [
  'name',
  'Firma lt. HR',
  'E-Mail (privat)',
  'Ziel [Tage]',
  'Straße',
  'PLZ',
  'terms',
  'Umsatz in €',
  'Note',
  'city name',
  'a.b',
  'updated_at',
  'x"y',
  'Betrag, netto',
  'Größe; Maß',
  'país',
]
const LATIN_NAMES = NAMES.filter((n) => !n.includes('€'))
const WORDS = [
  'Brenntal',
  'Werkzeuge',
  'Ltd',
  'GmbH',
  'Łódź',
  'Höfler',
  '東雲電機',
  "d'Or",
  "'s-Hertogenbosch",
  '30',
  '0,125',
  '1.234,56',
  'Net',
  'a@b.example',
  '+49 30 1234',
  '-5',
  'C\\D',
  '😀',
  'é',
  'sep=;',
  '#1',
  '`x',
]
const LATIN_WORDS = WORDS.filter((w) => [...w].every((c) => c.charCodeAt(0) < 256))

interface Dialect {
  delimiter: string
  quoting: 'minimal' | 'all' | 'some'
  ends: readonly string[]
  finalEnd: boolean
  encoding:
    | 'utf-8'
    | 'utf-8 mark'
    | 'utf-16le'
    | 'utf-16le mark'
    | 'utf-16be mark'
    | 'utf-16be'
    | 'windows-1252'
  separator: boolean
  titles: string[]
  trailing: 'none' | 'header' | 'rows' | 'both'
  blankLines: boolean
  formulas: boolean
}

/** Generates a file; its ids begin with `idPrefix`. */
export function generateFile(random: Random, clean: boolean, idPrefix = ''): GeneratedFile {
  const count = random.pick([0, 1, 2, 3, 5, 8, 13, 25])
  const dialect = randomDialect(random, count)
  const latin = dialect.encoding === 'windows-1252'
  const columns = 1 + random.below(7) + (random.chance(0.9) ? 1 : 0)
  const names = columnNames(random, columns, latin)
  const idAt = names.indexOf('id')
  const rows: { row: GeneratedRow; cells: Cell[] }[] = []
  const spans = random.chance(0.4)
  for (let i = 0; i < count; i++) {
    const cells = names.map(
      (_, c): Cell =>
        c === idAt
          ? { text: idPrefix + idText(random, i) }
          : randomCell(random, dialect, latin, spans),
    )
    rows.push({ row: rowOf(names, cells), cells })
  }
  const file = new Writer(random, dialect, names, idAt, rows)
  const damages: Damage[] = []
  if (!clean) for (let n = 1 + random.below(3); n > 0; n--) damages.push(random.pick(DAMAGES))
  const { bytes, written, fused } = file.write(damages)
  return {
    bytes,
    encoding: latin ? 'windows-1252' : undefined,
    rows: written,
    fused,
    dialect: JSON.stringify(dialect),
    damages,
    spansLines: rows.some((r) => r.cells.some((c) => /[\r\n]/.test(c.text))),
    columns,
  }
}

interface Cell {
  /** Text that a record has. */
  text: string
  /** How it is written, where not by the dialect. */
  raw?: string
}

function randomDialect(random: Random, rows: number): Dialect {
  const delimiter = random.pick([',', ',', ';', ';', '\t', '|'])
  const ends = random.pick([
    ['\n'],
    ['\r\n'],
    ['\r\n', '\n'],
    ['\r'],
    ['\r\n', '\n', '\r'],
    ['\r\r\n'],
  ])
  // Where a carriage return may end a row or be in a cell, delimiters at the end prove too little.
  const mayEnd = ends.length < 3
  return {
    delimiter,
    quoting: random.pick(['minimal', 'minimal', 'all', 'some']),
    ends,
    finalEnd: random.chance(0.8),
    encoding: random.pick([
      'utf-8',
      'utf-8',
      'utf-8',
      'utf-8 mark',
      'utf-16le mark',
      'utf-16be mark',
      'utf-16le',
      'utf-16be',
      'windows-1252',
    ]),
    separator: random.chance(0.15),
    titles: random.chance(0.15)
      ? ['Kunden-Export', ...(random.chance(0.5) ? ['Stand: 01.02.2025', ''] : [])]
      : [],
    trailing: random.pick(
      rows > 1 && mayEnd
        ? (['none', 'none', 'none', 'header', 'rows', 'both'] as const)
        : mayEnd
          ? (['none', 'both'] as const)
          : (['none'] as const),
    ),
    blankLines: random.chance(0.2),
    formulas: random.chance(0.2),
  }
}

function columnNames(random: Random, columns: number, latin: boolean): string[] {
  const pool = [...(latin ? LATIN_NAMES : NAMES)]
  const names: string[] = []
  while (names.length < columns - 1) names.push(...pool.splice(random.below(pool.length), 1))
  names.splice(random.below(columns), 0, 'id')
  return names
}

function idText(random: Random, i: number): string {
  return `${random.pick(['R', '000', 'K-', 'x/'])}${i}${random.pick(['', 'E5', 'a'])}`
}

function randomCell(random: Random, dialect: Dialect, latin: boolean, spans: boolean): Cell {
  if (random.chance(0.15)) return { text: '' }
  const words: string[] = []
  for (let n = 1 + random.below(4); n > 0; n--) {
    const kind = random.below(12)
    if (kind === 0) words.push(random.pick([',', ';', '|', '\t', dialect.delimiter]))
    else if (kind === 1) words.push(random.pick(['"', '""', '5"', '"R"']))
    else if (kind === 2 && spans) words.push(random.pick(['\n', '\r\n']))
    else words.push(random.pick(latin ? LATIN_WORDS : WORDS))
  }
  const text = words.join(random.pick([' ', '', ' ']))
  if (text.trim() === '' || /^\s*[='\ufeff]/.test(text) || /^sep=/.test(text))
    return { text: 'plain' }
  if (
    dialect.formulas &&
    random.chance(0.2) &&
    !/["\r\n]/.test(text) &&
    !text.includes(dialect.delimiter)
  )
    return { text, raw: random.pick([`="${text}"`, `"=""${text}"""`]) }
  return { text }
}

function rowOf(names: readonly string[], cells: readonly Cell[]): GeneratedRow {
  const values = new Map<string, string>()
  for (const [i, cell] of cells.entries())
    if (cell.text !== '') values.set(names[i] ?? '', cell.text)
  return { id: values.get('id') ?? '', values, damaged: false }
}

class Writer {
  private readonly random: Random
  private readonly dialect: Dialect
  private readonly names: string[]
  private readonly idAt: number
  private readonly rows: { row: GeneratedRow; cells: Cell[] }[]
  /** Lines of the file: a row of the input, or something else. */
  private lines: { text: string; end: string; row?: GeneratedRow; fused?: boolean }[] = []

  constructor(
    random: Random,
    dialect: Dialect,
    names: string[],
    idAt: number,
    rows: { row: GeneratedRow; cells: Cell[] }[],
  ) {
    this.random = random
    this.dialect = dialect
    this.names = names
    this.idAt = idAt
    this.rows = rows
  }

  write(damages: readonly Damage[]): { bytes: Buffer; written: GeneratedRow[]; fused: number } {
    const { dialect, random } = this
    if (dialect.separator) this.line(`sep=${dialect.delimiter}`)
    for (const title of dialect.titles) this.line(title)
    this.line(this.header())
    for (const { row, cells } of this.rows) {
      if (dialect.blankLines && random.chance(0.2)) this.line(random.pick(['', ' ']))
      this.line(this.rowText(cells), row)
    }
    for (const damage of damages) this.damage(damage)
    const last = this.lines.at(-1)
    if (!dialect.finalEnd && last) last.end = ''
    return this.encoded(damages)
  }

  private header(names = this.names): string {
    const tail = ['header', 'both'].includes(this.dialect.trailing) ? this.dialect.delimiter : ''
    return names.map((n) => this.cellText({ text: n })).join(this.dialect.delimiter) + tail
  }

  private rowText(cells: readonly Cell[]): string {
    const tail = ['rows', 'both'].includes(this.dialect.trailing) ? this.dialect.delimiter : ''
    return cells.map((c) => this.cellText(c)).join(this.dialect.delimiter) + tail
  }

  private cellText(cell: Cell): string {
    if (cell.raw !== undefined) return cell.raw
    const { delimiter, quoting } = this.dialect
    const needed =
      cell.text.includes(delimiter) || /["\r\n]/.test(cell.text) || /^\s|\s$/.test(cell.text)
    const quoted = needed || quoting === 'all' || (quoting === 'some' && this.random.chance(0.5))
    return quoted ? `"${cell.text.replaceAll('"', '""')}"` : cell.text
  }

  private line(text: string, row?: GeneratedRow): void {
    this.lines.push({ text, end: this.random.pick(this.dialect.ends), ...(row ? { row } : {}) })
  }

  private damage(damage: Damage): void {
    const rowLines = this.lines.flatMap((l, i) => (l.row ? [i] : []))
    const at = rowLines.length > 0 ? this.random.pick(rowLines) : -1
    this.harms[damage]?.(at, rowLines)
  }

  /** Rewrites a line as damaged. */
  private breakLine(at: number, text: string): void {
    const line = this.lines[at]
    // A row of which nothing is left is no row of the file.
    if (!line?.row || line.fused || text.replaceAll('"', '').trim() === '') return
    line.text = text
    line.row.damaged = true
  }

  private cellsAt(at: number): readonly Cell[] | null {
    return this.rows.find((r) => r.row === this.lines[at]?.row)?.cells ?? null
  }

  /** Rewrites one cell of a line. */
  private breakCell(at: number, change: (raw: string) => string): void {
    const cells = this.cellsAt(at)
    if (!cells) return
    const broken = this.random.below(cells.length)
    this.breakLine(
      at,
      this.rowText(
        cells.map((cell, i) =>
          i === broken ? { ...cell, raw: change(this.cellText({ text: cell.text })) } : cell,
        ),
      ),
    )
  }

  private insert(at: number, ...texts: string[]): void {
    const lines = texts.map((text) => ({ text, end: this.random.pick(this.dialect.ends) }))
    this.lines.splice(at < 0 ? this.lines.length : at, 0, ...lines)
  }

  /** Text of a cell without what needs quotes. */
  private bare(raw: string): string {
    return raw
      .replaceAll('"', '')
      .replaceAll(/[\r\n]/g, ' ')
      .replaceAll(this.dialect.delimiter, ' ')
  }

  private readonly harms: Partial<Record<Damage, (at: number, rowLines: number[]) => void>> = {
    'open quote': (at) => this.breakCell(at, (raw) => `"${this.bare(raw)}`),
    'quote at the end': (at) => this.breakCell(at, (raw) => `${this.bare(raw)}"`),
    'text after a quote': (at) => this.breakCell(at, (raw) => `"${this.bare(raw)}" Fünf`),
    'single quotes inside': (at) =>
      this.breakCell(at, (raw) => {
        const more = this.random.pick(['', '\n', `\na${this.dialect.delimiter}b`])
        return `"${this.bare(raw)} "mid" ${more}end"`
      }),
    'missing cell': (at) => {
      const cells = this.cellsAt(at)
      if (!cells || cells.length < 2) return
      // Only whole rows show that all have a delimiter at their end.
      if (this.dialect.trailing === 'rows' && this.rows.length <= 5) return
      const missing = this.random.below(cells.length)
      this.breakLine(at, this.rowText(cells.filter((_, i) => i !== missing)))
    },
    'more cells': (at) => {
      const cells = this.cellsAt(at)
      if (cells) this.breakLine(at, `${this.rowText(cells)}${this.dialect.delimiter}more`)
    },
    'delimiter without quotes': (at) =>
      this.breakCell(
        at,
        (raw) => `${this.bare(raw)}${this.dialect.delimiter}${this.random.pick(['', 'x'])}`,
      ),
    'lost line end': (at) => {
      const line = this.lines[at]
      const next = this.lines[at + 1]
      // In one column the two rows would be one text like any other.
      if (!line?.row || !next?.row || line.fused || next.fused || this.names.length === 1) return
      line.row.damaged = true
      next.row.damaged = true
      line.text += next.text
      line.fused = true
      line.end = next.end
      this.lines.splice(at + 1, 1)
    },
    NUL: (at) => this.breakCell(at, (raw) => raw.replace(/^("?)/, '$1\0')),
    'joined file': (at) => this.insert(at, `${this.random.pick(['', '\ufeff'])}${this.header()}`),
    'joined file with other columns': (at) => {
      if (this.names.length > 1) this.insert(at, `\ufeff${this.header([...this.names].reverse())}`)
    },
    'mark inside': (at) => {
      const line = this.lines[at]
      if (line) line.text = `\ufeff${line.text}`
    },
    total: () =>
      this.insert(
        -1,
        this.rowText(this.names.map((_, i) => ({ text: i === this.idAt ? 'Grand total' : '7' }))),
      ),
    footer: () => {
      if (this.names.length > 1)
        this.insert(-1, 'Grand Totals (25 records)', 'Confidential Information - Do Not Distribute')
    },
    'rounded id': (at) => {
      const rounded = { text: this.random.pick(['1.23457E+12', '1,2E+05', '1E+15']) }
      const cells = this.cellsAt(at)?.map((c, i) => (i === this.idAt ? rounded : c))
      if (cells) this.breakLine(at, this.rowText(cells))
    },
    formula: (at) =>
      this.breakCell(at, () => this.random.pick(['=SUM(A1:A9)', '=A1', '=NOW()', '="a"&"b"'])),
    'return inside': (at) => {
      // Without line feeds, or in one column, a carriage return is nothing but the end of a row.
      if (this.names.length === 1 || !this.lines.some((l) => l.end.endsWith('\n'))) return
      this.breakCell(at, (raw) => (/^[^"]/.test(raw) ? `${raw}\rx` : raw))
    },
    'swallowed rows': (_, rowLines) => {
      // Two stray quotes in the same column of two rows: RFC 4180 reads one cell.
      const [first = -1, last = -1] = [rowLines[0], rowLines.at(-1)]
      if (first === last) return
      const column = this.random.below(this.names.length)
      const plain = (at: number) => {
        const input = this.rows.find((r) => r.row === this.lines[at]?.row)
        const texts = this.names.map((name) => (name === 'id' ? (input?.row.id ?? '') : 'x'))
        if (!input) return texts
        input.cells = texts.map((text) => ({ text }))
        input.row.values = rowOf(this.names, input.cells).values
        return texts
      }
      const [one, two] = [plain(first), plain(last)]
      one[column] = `"${one[column]}`
      two[column] = `${two[column]}"`
      this.breakLine(first, one.join(this.dialect.delimiter))
      this.breakLine(last, two.join(this.dialect.delimiter))
      // More harm to these lines could make them one cell by the rules of CSV.
      for (const at of [first, last]) {
        const line = this.lines[at]
        if (line) line.fused = true
      }
    },
  }

  private encoded(damages: readonly Damage[]): {
    bytes: Buffer
    written: GeneratedRow[]
    fused: number
  } {
    const { dialect, random } = this
    const text = this.lines.map((l) => l.text + l.end).join('')
    const kind = dialect.encoding.split(' ')[0]
    const encode = (t: string): Buffer => {
      if (kind === 'windows-1252') return Buffer.from(t.replaceAll('\ufeff', ''), 'latin1')
      if (kind === 'utf-8') return Buffer.from(t, 'utf8')
      const little = Buffer.from(t, 'utf16le')
      return kind === 'utf-16be' ? little.swap16() : little
    }
    const mark = dialect.encoding.endsWith('mark') ? encode('\ufeff') : Buffer.alloc(0)
    let bytes = Buffer.concat([mark, encode(text)])
    let rows = this.lines.flatMap((l) => (l.row ? [l.row] : []))
    const hidden = this.rows.map((r) => r.row).filter((r) => !rows.includes(r))
    if (damages.includes('cut')) {
      // Rows behind the cut are not in the file; the one at the cut may have lost its end.
      let keep = random.below(text.length + 1)
      let pos = 0
      const kept: GeneratedRow[] = []
      for (const line of this.lines) {
        const end = pos + line.text.length
        // A cut may make a row that was broken before look whole.
        if (line.row?.damaged && pos < keep && end > keep) keep = pos
        if (line.row && pos < keep) {
          if (end > keep) line.row.damaged = true
          // Without any text nothing of the row is left.
          if (/[^",;|\s]/.test(text.slice(pos, Math.min(end, keep)))) kept.push(line.row)
        }
        pos = end + line.end.length
      }
      rows = kept
      bytes = Buffer.concat([mark, encode(text.slice(0, keep))])
    }
    if (damages.includes('invalid byte') && kind === 'utf-8' && bytes.length > 10) {
      const at = mark.length + random.below(bytes.length - mark.length)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([0xf6]), bytes.subarray(at)])
    }
    const written = damages.includes('cut') ? rows : [...rows, ...hidden]
    return { bytes, written, fused: damages.includes('cut') ? 0 : hidden.length }
  }
}
