import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { posix } from 'node:path'
import { describe, test } from 'node:test'
import { COMPARATORS, SURVIVORSHIP } from '../../schema/policy.ts'
import { document, files, folders, readText } from './documents.ts'

const linesMax = 120
const page = document('ARCHITECTURE.md')

describe('ARCHITECTURE.md', () => {
  test(`has at most ${linesMax} lines`, () => {
    assert.ok(page.text.trimEnd().split('\n').length <= linesMax)
  })

  test('maps each folder of the first and second level, and nothing else', () => {
    const map = page.blocks.find((b) => b.language === '')
    assert.ok(map, 'no map')
    const mapped = mappedFolders(map.text)
    // A kind of source system that is data alone is found by its place, as the map says.
    const isData = (folder: string) =>
      files.includes(`${folder}/mapping.yaml`) && !files.includes(`${folder}/read.ts`)
    const tree = [...folders].filter((f) => f.split('/').length <= 2 && !isData(f))
    assert.deepEqual(mapped.toSorted(), tree.toSorted())
  })

  test('names for each invariant a test file that mentions it', () => {
    const rows = page.prose.flatMap(({ text }) => {
      const [, invariant, tests] = /^\| (I\d+) \|.*\|([^|]*)\|$/.exec(text) ?? []
      return invariant
        ? [{ invariant, paths: [...(tests ?? '').matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? '') }]
        : []
    })
    assert.ok(rows.length >= 10, `${rows.length} invariants`)
    for (const { invariant, paths } of rows) {
      for (const path of paths) assert.ok(files.includes(path), `${path} does not exist`)
      const mentions = paths.filter((path) => new RegExp(`\\b${invariant}\\b`).test(readText(path)))
      assert.ok(mentions.length > 0, `no test file of ${invariant} mentions it`)
    }
  })
})

describe('docs/where.md', () => {
  const lines = document('docs/where.md').prose.filter(({ text }) => text.startsWith('| '))
  const rows = lines.flatMap(({ text, line }) => {
    const [, behaviour, shown, path, name] =
      /^\| (.+) \| \[([^\]]+)\]\(\.\.\/([^)]+)\) \| `(\w+)` \|$/.exec(text) ?? []
    return behaviour && shown && path && name ? [{ behaviour, shown, path, name, line }] : []
  })

  test('names each behaviour once, in lines of one form', () => {
    const headers = lines.filter(({ text }) => text === '| behaviour | file | decided by |')
    assert.equal(rows.length + headers.length, lines.length)
    assert.ok(rows.length >= 150, `${rows.length} behaviours`)
    assert.deepEqual(repeated(rows.map((r) => r.behaviour)), [])
  })

  test('names a file that exists, and what it declares', () => {
    const wrong = rows.filter(
      ({ shown, path, name }) =>
        shown !== path || !files.includes(path) || !declares(readText(path), name),
    )
    assert.deepEqual(
      wrong.map((r) => `line ${r.line}: ${r.path} ${r.name}`),
      [],
    )
  })

  test('names each code in a line of each file that makes it, whose function holds it', () => {
    const made = files
      .filter((f) => /^(connectors|mdm|gateway|cli|subgraphs)\/.*\.ts$/.test(f))
      .flatMap((path) => codesIn(readText(path)).map((code) => `${path} ${code}`))
    assert.ok(made.length >= 250, `${made.length} codes`)
    const all = new Set(made.map((m) => m.split(' ')[1]))
    const named = rows.flatMap(({ behaviour, path, name, line }) => {
      return [...behaviour.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, code = '']) => {
        const wrong = all.has(code) && !makes(readText(path), name, code)
        return { code, line, made: `${path} ${code}`, wrong }
      })
    })
    const known = new Set(named.filter((n) => !n.wrong).map((n) => n.made))
    assert.deepEqual(
      [
        ...new Set(made.filter((m) => !known.has(m))),
        ...named.filter((n) => n.wrong).map((n) => `line ${n.line}: no ${n.code} there`),
      ],
      [],
    )
  })

  test('has a line for each folder of code', () => {
    const code = files.filter((f) => /^(connectors|mdm|gateway|cli)\/.+\/\w+\.ts$/.test(f))
    const named = new Set(rows.map((r) => posix.dirname(r.path)))
    const missing = new Set(code.map((f) => posix.dirname(f)).filter((f) => !named.has(f)))
    assert.deepEqual([...missing], [])
  })

  test('has a line for each comparator and each rule of survivorship', () => {
    const words = (start: string) =>
      new Set(
        rows
          .filter((r) => r.behaviour.startsWith(start))
          .flatMap((r) => r.behaviour.match(/\b[A-Z_]+\b/g) ?? []),
      )
    const [comparators, rules] = [words('comparator'), words('survivorship')]
    assert.deepEqual(
      [
        ...COMPARATORS.filter((c) => !comparators.has(c)),
        ...SURVIVORSHIP.filter((s) => !rules.has(s)),
      ],
      [],
    )
  })
})

function repeated(texts: readonly string[]): string[] {
  return texts.filter((text, i) => texts.indexOf(text) !== i)
}

/** Returns true if a text of TypeScript or SQL declares the name, at its top or within a function. */
function declares(text: string, name: string): boolean {
  const kinds = 'function\\*?|const|class|interface|type|(?:create )?(?:or replace )?function'
  return new RegExp(`^\\s*(?:export )?(?:async )?(?:${kinds}) ${name}\\b`, 'm').test(text)
}

/** Results that are no refusal and no reason of one, and the error codes of the system. */
const NO_CODES = new Set([
  ...['DONE', 'OK', 'ANSWERED', 'PREVIEW', 'REFUSED', 'EXCEPTION'],
  ...Object.keys(constants.errno),
])

/**
 * Returns the codes that a text makes: those in calls that refuse or report, and properties that
 * hold one. Types and comparisons are left out.
 */
function codesIn(text: string): string[] {
  const code = "'([A-Z]+(?:_[A-Z0-9]+)*)'"
  const calls =
    'new \\w*(?:Error|Aborted)|refuse|refused|refusal|rejection|report|problem|inputError|broken|bad|' +
    'tooMany|unavailable|disable|over|outcomeOf'
  const carriers = new RegExp(
    `(?:\\b(?:${calls})|#note)\\(\\s*(?:[\\w.']+,\\s*){0,2}${code}|` +
      `(?<!\\.)\\b(?:code|rule|skipped|reason)\\b(?:: |: [^,;{}'\\n]*\\? | = )${code}(?: : ${code})?(?! *[;|])`,
    'g',
  )
  return [...text.matchAll(carriers)]
    .flatMap(([, ...codes]) => codes)
    .filter((c) => c !== undefined && !NO_CODES.has(c))
}

/**
 * Returns true if the lines of a declaration make a code. A helper of the same file may hold it that
 * decides nothing: then its callers decide.
 */
function makes(text: string, name: string, code: string): boolean {
  const body = bodyOf(text, name)
  if (body.includes(`'${code}'`)) return true
  const used = new Set(body.match(/\b\w+\b/g))
  return [...text.matchAll(/^ *(?:export )?(?:function|const) (\w+)/gm)].some(([, helper = '']) => {
    const held = used.has(helper) ? bodyOf(text, helper) : ''
    return held.includes(`'${code}'`) && !/\b(?:if \(|try \{)/.test(held)
  })
}

/** Returns what a text declares under a name, as the formatter lays it out. */
function bodyOf(text: string, name: string): string {
  const lines = text.split('\n')
  const from = lines.findIndex((line) => declares(line, name))
  const first = lines[from] ?? ''
  const indent = /^ */.exec(first)?.[0] ?? ''
  const rest = lines.slice(from + 1)
  const isBlock = /^ *(?:export )?(?:async )?(?:function|class)\b/.test(first)
  // Texts of several lines in a function may begin at the margin.
  const last = isBlock
    ? rest.indexOf(`${indent}}`)
    : rest.findIndex((l) => l !== '' && !l.startsWith(`${indent} `) && !l.startsWith(`${indent}}`))
  return [first, ...rest.slice(0, last < 0 ? undefined : last)].join('\n')
}

/**
 * Reads the folders of a map. A line names one or several folders, separated by blanks, and then
 * may describe them. An indented name is a folder of the last name that was not, unless it has a
 * path of its own.
 */
function mappedFolders(map: string): string[] {
  const found: string[] = []
  let parent = ''
  for (const line of map.split('\n')) {
    const names = /^\s*((?:[\w.-]+\/(?:[\w.-]+\/)*\s+|[\w.-]+\/(?:[\w.-]+\/)*$)+)/.exec(line)?.[1]
    for (const name of names?.trim().split(/\s+/) ?? []) {
      const path = name.slice(0, -1)
      if (!line.startsWith(' ')) parent = path
      found.push(line.startsWith(' ') && !path.includes('/') ? `${parent}/${path}` : path)
    }
  }
  return found
}
