import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { describe, test } from 'node:test'
import { createContext, runInContext } from 'node:vm'
import { affixesOf } from '../connectors/mapping/currency.ts'

// Values come from strangers and may have a megabyte. A parser that takes quadratic time would need
// minutes for one of them, and nothing else runs meanwhile.

/** Length of the values. TOUCHSTONE_LINEAR_CHARS=1000000 tries a megabyte of each. */
const chars = Number(process.env.TOUCHSTONE_LINEAR_CHARS ?? 32_768)
/**
 * Time of the processor: a busy machine does not count. A quadratic parser needs several times it.
 */
const cpuMsMax = Math.max(500, chars / 60)
/** Ends a parser that would run for hours. */
const wallMsMax = 20_000

const FILES = [
  'mdm/standardise/*.ts',
  'connectors/mapping/*.ts',
  'connectors/file/{cellText,guardedText,format,foreign,textLines}.ts',
  'connectors/{body,signature}.ts',
  'schema/kit/{asciiDigits,checkDigits,normalText,unicodeForm,visibleText}.ts',
  'schema/{masked,recordKey,standInName,storable,uuid}.ts',
  'gateway/identity/{claims,loopback,origins}.ts',
  'gateway/http/accept.ts',
  'mdm/golden/format.ts',
]
/** They take parts of a mapping, which an operator writes, or a list, and no value. */
const NOT_FOR_VALUES =
  /: (compile\w+|codeList|readCodeLists|readDocument|readSettings|create\w+|shapesOf|Exact)$/

const UNITS = [
  ...['@', '.', ' ', '(', '0', '1', ',', '<', '"', "'", '[', '\\', '-', 'a', '\t', '\n'],
  ...['\u0315\u0300', '\u200d', '\ud800', '\u00fc', '1.', '1 ', 'a.', ',=', '>a', 'in '],
]

/** A text that nearly fits makes a regular expression go back: one with another head and tail. */
function* values(): Generator<string> {
  for (const unit of UNITS) {
    const body = unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars)
    yield body
    yield `a${body}!`
    if (chars > 100_000) for (const tail of ['a', '>', '"', ')', '@a.b']) yield `1${body}${tail}`
  }
}

type Parser = (value: string) => unknown

const context = createContext({ work: () => {} })
/**
 * Runs the parser; returns false if it does not end in time. Refusals and mistakes of type are
 * fine.
 */
function endsInTime(parse: Parser, value: string): boolean {
  context.work = () => {
    try {
      parse(value)
    } catch (e) {
      // A parser that throws has ended; only one that overflows the stack has a fault.
      if (e instanceof RangeError && /stack/i.test(e.message)) throw e
    }
  }
  const began = process.cpuUsage()
  try {
    runInContext('work()', context, { timeout: wallMsMax })
    return process.cpuUsage(began).user / 1_000 < cpuMsMax
  } catch (e) {
    // An error of the other context is no instance of our Error.
    if ((e as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false
    throw e
  }
}

async function parsersOf(file: string): Promise<[string, Parser][]> {
  const module = (await import(`../${file}`)) as Record<string, unknown>
  const found = Object.entries(module).flatMap(([name, exported]): [string, Parser][] => {
    if (typeof exported === 'function' && !/^class\b/.test(String(exported)))
      return [[`${file}: ${name}`, (value) => exported(value)]]
    if (typeof exported !== 'object' || exported === null) return []
    return Object.entries(exported).flatMap(([key, inner]): [string, Parser][] =>
      typeof inner === 'function'
        ? [
            [
              `${file}: ${name}.${key}`,
              (v) => inner(v, { country: 'DE', times: {}, separator: null }),
            ],
          ]
        : [],
    )
  })
  return found.filter(([name]) => !NOT_FOR_VALUES.test(name))
}

const files = FILES.flatMap((pattern) => globSync(pattern)).sort()
const affixes = affixesOf('EUR')

describe(`values of ${chars} characters`, () => {
  for (const file of files)
    test(`${file} reads them in linear time`, async () => {
      const parsers = await parsersOf(file)
      if (file === 'connectors/mapping/number.ts') {
        const { readNumber } = await import('../connectors/mapping/number.ts')
        parsers.push([
          'amounts',
          (v) => readNumber(v, { separator: 'COMMA', affixes, decimals: 2 }),
        ])
      }
      for (const [name, parse] of parsers)
        for (const value of values())
          assert.ok(
            endsInTime(parse, value),
            `${name} takes more than ${cpuMsMax} ms for ${JSON.stringify(value.slice(0, 12))}… of ${value.length} characters`,
          )
    })
})

test('a header of thousands of equal names is read in linear time', async () => {
  const { nameColumns } = await import('../connectors/file/cellText.ts')
  const header = 'a,'.repeat(chars).split(',')
  assert.ok(endsInTime(() => nameColumns(header), ''))
  assert.equal(new Set(nameColumns(header)).size, header.length)
})

test('the clock finds a parser that takes quadratic time', () => {
  const pattern = /^.*<([^>]+)>$/
  assert.equal(
    endsInTime((text) => pattern.exec(text), '<'.repeat(2 * chars)),
    false,
  )
})
