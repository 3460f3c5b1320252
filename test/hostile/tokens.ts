import { createSeededRandom } from '../../mdm/match/random.ts'
import { HOSTILE_WORDS } from '../fixtures/hostileWords.ts'

/** A seeded source of hostile inputs: the same seed gives the same inputs. */
export class Source {
  readonly random: () => number

  constructor(seed: number) {
    this.random = createSeededRandom(seed)
  }

  below(n: number): number {
    return Math.floor(this.random() * n)
  }

  chance(share: number): boolean {
    return this.random() < share
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T
  }

  some<T>(of: readonly T[], countMax: number): T[] {
    return Array.from({ length: this.below(countMax + 1) }, () => this.one(of))
  }

  /** A hostile text: one token, several, or one inside an ordinary name. */
  text(): string {
    const kind = this.random()
    if (kind < 0.45) return this.one(TOKENS)
    if (kind < 0.65) return `${this.one(NAMES)} ${this.one(TOKENS)} ${this.below(100_000)}`
    if (kind < 0.8) return `${this.one(TOKENS)}${this.one(BLANKS)}${this.one(TOKENS)}`
    if (kind < 0.9) return Array.from({ length: 1 + this.below(12) }, () => this.anyChar()).join('')
    if (kind < 0.97) return `${this.one(NAMES)} ${this.one(NAMES)} ${this.below(1_000_000)}`
    return this.long(1_000 + this.below(30_000))
  }

  /** A text of about so many characters, of one of the forms that made programs slow. */
  long(chars: number): string {
    const unit = this.one(UNITS)
    return unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars) + this.one(TOKENS)
  }

  /** One character of any plane, lone surrogates and unassigned ones included. */
  anyChar(): string {
    return this.chance(0.3)
      ? String.fromCharCode(this.below(0x10000))
      : String.fromCodePoint(this.below(0x110000))
  }

  /** The text of a JSON value of any kind, also of ones that no JavaScript value writes. */
  json(): string {
    const kind = this.random()
    if (kind < 0.6) return JSON.stringify(this.text())
    if (kind < 0.75) return this.one(NUMBERS)
    if (kind < 0.85) return this.one(['null', 'true', 'false', '[]', '{}', '[null]', '[[]]', '""'])
    if (kind < 0.92)
      return `[${Array.from({ length: this.below(5) }, () => this.json()).join(',')}]`
    if (kind < 0.999)
      return `{${Array.from({ length: this.below(4) }, () => `${JSON.stringify(this.text())}:${this.json()}`).join(',')}}`
    const levels = this.one([20, 31, 32, 33, 200])
    return `${'['.repeat(levels)}1${']'.repeat(levels)}`
  }
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i))

/** Blanks of every kind, and characters that only look like none. */
export const BLANKS: readonly string[] = [
  ...[' ', '\t', '\u00a0', '\u1680', ...range(0x2000, 0x200a), '\u2028', '\u2029', '\u202f'],
  ...['\u205f', '\u3000', '\u2800', '\u180e', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff'],
  ...[
    '\u00ad',
    '\u034f',
    '\u115f',
    '\u3164',
    '\uffa0',
    '\n',
    '\r',
    '\r\n',
    '\v',
    '\f',
    '\u0085',
    '',
  ],
]

const NAMES = [
  ...['Müller', 'Nordlicht', 'Casa Lupo', '株式会社', 'Ооо', 'O’Neill', 'Constructor', 'Null'],
  ...['Prototype Labs', 'İstanbul', 'Straße', 'العربية', 'ישראל', 'ไทย', 'Ltd', 'GmbH & Co. KG'],
]

const CODES = [
  ...["' OR 1=1 --", "'; drop table inbox; --", '$1', `\${7*7}`, '{{7*7}}', '#{7*7}', '<%= 7 %>'],
  ...['*)(uid=*))(|(uid=*', `\${jndi:ldap://127.0.0.1/a}`, '%s%s%n%x', '%00', '%2e%2e%2f', '%ff'],
  ...['{__typename}', '} } query { __schema { types { name } } } #', '"""', '#', '...on Query{a}'],
  ...['!!js/function "x"', '&a [*a]', '<<: *x', '- -', '? :', '%YAML 1.2', '@a', '`x`', '---'],
  ...['<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
  ...['<script>alert(1)</script>', '<img src=x onerror=a()>', ']]>', '</script>', '<!--', '&amp;'],
  ...['=1+1', '+1', '-1', '@SUM(A1)', "=cmd|' /C calc'!A0", '=HYPERLINK("http://a")', '\t=1'],
  ...['../../../../etc/passwd', '..\\..\\x', '/dev/null', 'CON', 'aux.txt', 'file:///etc/passwd'],
  ...['(a+)+$', '[', '(?<', '\\', '.*', '^(?=a)', '$&', '$`', "$'", '$1$2', '\\1', '\\u0000'],
  ...['a\r\nX-Injected: 1', 'a\nb', 'a\rb', '\r\n\r\n', 'a,b;c\td|e', '"a""b', '"', "'", '""'],
  ...[
    '\u001b[31mred\u001b[0m',
    '\u001b]0;title\u0007',
    '\u009b2J',
    '\b\b\b',
    '\u007f',
    '\u001b[2J',
  ],
]

const SHAPES = [
  ...['\ud800', '\udfff', 'a\ud83d', '\udc00\ud800', '😀', '👩‍👩‍👧‍👦', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🇩🇪🇫🇷', '👍🏽', '1️⃣'],
  ...['Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞', `a${'\u0301'.repeat(200)}`, `${'\u0e47'.repeat(50)}`],
  ...[
    '\u202eevil\u202c',
    '\u2066x\u2069',
    '\u200fabc',
    'e\u0301',
    'é',
    'ﬁ',
    '①',
    'Å',
    'Å',
    '¼',
    '𝔘𝔫𝔦',
  ],
  ...[
    'ǅ',
    'ß',
    'ẞ',
    'İ',
    'ı',
    'ŉ',
    'ﷺ',
    '㍿',
    '\ufdd0',
    '\uffff',
    '\ufffe',
    '\ufffd',
    '\u{10ffff}',
  ],
  ...['\u{e0001}', '\u{1f3f4}\u{e0067}', '𐀀', '\u0600', '‮', '\ufff9a\ufffab\ufffb', '́', '\u1160'],
]

const WRITTEN_NUMBERS = [
  ...[
    '0',
    '-0',
    '+0',
    '0.0',
    '1e400',
    '-1e400',
    '1e-400',
    '9007199254740993',
    '9223372036854775808',
  ],
  ...[
    '-9223372036854775809',
    '18446744073709551616',
    '1e309',
    'Infinity',
    '-Infinity',
    'NaN',
    '1_000',
  ],
  ...[
    '0x10',
    '0b1',
    '0o7',
    '1.',
    '.1',
    '1e',
    '1,234',
    '1.234,5',
    '٣٤٥',
    '１２３',
    '²',
    '1.23457E+12',
  ],
  ...[
    '-1',
    '2147483648',
    '-2147483649',
    '4294967296',
    '1e21',
    '1e-7',
    '0000000000000000000001',
    '00',
  ],
]

const DATES = [
  ...[
    '0000-00-00',
    '0000-01-01',
    '0001-01-01',
    '9999-12-31',
    '10000-01-01',
    '+010000-01-01',
    '-0001-01-01',
  ],
  ...[
    '2026-02-30',
    '2026-13-01',
    '2026-01-01T24:00:00Z',
    '2026-01-01T25:00:00Z',
    '1970-01-01T00:00:00Z',
  ],
  ...[
    '9999-12-31T23:59:59-14:00',
    '0000-01-01T00:00:00Z',
    '2026-01-01T00:00:00+99:99',
    '275760-09-13',
  ],
  ...[
    '275760-09-13T00:00:00Z',
    '-271821-04-20T00:00:00Z',
    '2016-12-31T23:59:60Z',
    '1e10',
    '99999999999999999999',
  ],
  ...[
    '2026-01-01T00:00:00.123456789Z',
    '2026-01-01T00:00:00,5Z',
    '/Date(9e99)/',
    '/Date(-99999999999999)/',
  ],
  ...[
    'now()',
    'infinity',
    '-infinity',
    'epoch',
    'today',
    '4714-11-24 BC',
    '294277-01-01',
    'W53',
    '2026-W54-8',
  ],
  ...[
    '\u0662\u0660\u0662\u0666-01-01',
    '2026\u201101\u201101',
    '31/02/2026',
    'Sat Oct 04 17:02:00 XYZ 2025',
  ],
]

const CONTROLS = [...range(0, 0x1f), '\u007f', ...range(0x80, 0x9f)]

/** Texts that made some program fail, by kind. */
export const TOKENS: readonly string[] = [
  ...HOSTILE_WORDS,
  ...['then', 'toJSON', 'length', 'name', 'default', 'id', '__typename', '__schema', '_entities'],
  ...[
    'true',
    'false',
    'none',
    'nil',
    'N/A',
    '$row',
    '$ref',
    '$where',
    '__proto__.x',
    'a.b',
    'a[0]',
  ],
  ...[
    'constructor.prototype',
    '[object Promise]',
    'function () {}',
    'Symbol(a)',
    'async',
    'arguments',
  ],
  ...BLANKS.filter((b) => b !== ''),
  ...CONTROLS.map((c) => `a${c}b`),
  ...CONTROLS,
  ...CODES,
  ...SHAPES,
  ...WRITTEN_NUMBERS,
  ...DATES,
  ...['\ufeff', '\ufeffid', '\ufffeid', 'Ã¤', 'a'.repeat(600), '0'.repeat(300), '\u0000\u0000'],
  ...[
    'a@b',
    '@',
    'a@',
    '"a b"@c.de',
    'a@[127.0.0.1]',
    `${'a.'.repeat(100)}@b.de`,
    'mailto:x@y.z',
    'x@y@z',
  ],
  ...[
    'http://',
    'https://[::1]',
    'http://a:99999',
    'javascript:1',
    'www..de',
    '..',
    '.',
    'xn--',
    'xn--a',
  ],
  ...['+', '+0', '+999999999999999999', '00000', '++49', 'tel:+49', '+49 (0) 30 / 123', '*#06#'],
  ...['DE', 'XX', 'ZZ', 'd\u0065', 'EU', 'UK', 'XKX', 'EURO', '€', 'XXX', 'JPYx', 'DE000000000'],
]

/** What long texts are made of. */
const UNITS = [
  ...[
    'a',
    ' ',
    'a ',
    '\u0301',
    'e\u0301',
    '😀',
    '\u200d',
    '👩‍',
    '\ud800',
    '\u0000',
    '"',
    '\\',
    ',',
  ],
  ...[
    '\n',
    '\r',
    '((',
    '[[',
    '{{',
    '..',
    '@',
    'a@',
    'a.',
    '--',
    '0',
    '9',
    '1 ',
    'ß',
    'İ',
    'ﷺ',
    '\u202e',
  ],
  ...[
    '<a>',
    '&amp;',
    '%',
    '%25',
    'constructor ',
    '__proto__ ',
    '\t',
    '\u00a0',
    '\u3000',
    '．',
    '。',
  ],
]

/** Texts of JSON numbers. */
export const NUMBERS: readonly string[] = [
  ...['0', '-0', '-0.0', '1e400', '-1e400', '1e-400', '9007199254740993', '9223372036854775808'],
  ...['18446744073709551616', '-9223372036854775809', '1e308', '123456789012345678901234567890'],
  ...['0.1234567890123456789012345', '1E+2', '1.5', '2147483648', '-2147483649', '4294967296'],
  ...['253402300800', '8640000000000001', '-1', '1767340800', '1767340800000', '9'.repeat(400)],
]
