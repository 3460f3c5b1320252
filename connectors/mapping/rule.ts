import { dataText } from '../../schema/kit/dataText.ts'
import { normalText } from '../../schema/kit/normalText.ts'
import { bounds } from '../bounds.ts'
import { codeList } from './codes.ts'
import { compilePath, isEmpty, type Path, type Scope } from './path.ts'
import { isCommonPlaceholder } from './placeholders.ts'

/** Reads raw values, before they are converted to canonical form. */
export type Rule = (scope: Scope, report: (code: string, detail: string) => void) => unknown[]

/**
 * Tests of the field for texts that stand for a missing value: of a whole value, and of a part of a
 * `join:`. Such a text counts as empty, so the next alternative is read.
 */
export interface Missing {
  whole(value: unknown): boolean
  part(value: unknown): boolean
}

/** In ids, references and conditions only texts of programs stand for a missing value. */
export const MISSING_KEY: Missing = {
  whole: (value) => isCommonPlaceholder(value, 'KEY'),
  part: (value) => isCommonPlaceholder(value, 'KEY'),
}

/** Throws ConfigError with what is wrong at a path in the mapping. */
export type Fail = (path: readonly PropertyKey[], message: string) => never

/**
 * Keys of a rule that is written as a map; field.ts reads those of values (`as`, `country`,
 * `codes`).
 */
export const RULE_KEYS = [
  'from',
  'join',
  'with',
  'widths',
  'constant',
  'extract',
  'split',
  'map',
  'otherwise',
  'when',
] as const

/**
 * Compiles a rule (connectors/README.md): a path; a list of rules, of which a single field takes
 * the first with a value and a list field all; or a map with `from`, `join` or `constant` and
 * `extract`, `split`, `map`, `otherwise`, `when`. `many` is true for a list field. A text that
 * `missing` finds has no value, unless a `map:` names it.
 */
export function compileRule(
  spec: unknown,
  many: boolean,
  at: readonly PropertyKey[],
  fail: Fail,
  missing: Missing = MISSING_KEY,
): Rule {
  if (typeof spec === 'string') return fromPath(pathAt(spec, at, fail), many, missing)
  if (typeof spec === 'number' || typeof spec === 'boolean')
    return fail(at, `${spec} is not a path; a fixed value is written {constant: ${spec}}`)
  if (Array.isArray(spec)) {
    if (spec.length === 0) fail(at, 'a list of alternatives must not be empty')
    const rules = spec.map((s, i) => compileRule(s, many, [...at, i], fail, missing))
    return many ? (scope, report) => rules.flatMap((r) => r(scope, report)) : firstOf(rules)
  }
  if (spec === null || typeof spec !== 'object')
    return fail(at, 'a rule must be a path, a list of rules or a map with from:')
  return compileMap(spec as Record<string, unknown>, many, at, fail, missing)
}

export function pathAt(text: string, at: readonly PropertyKey[], fail: Fail): Path {
  try {
    return compilePath(text)
  } catch (e) {
    return fail(at, e instanceof Error ? e.message : String(e))
  }
}

/**
 * Compiles a condition: `when: path` requires any value, `when: {path: value}` or `{path:
 * [values]}` one of those; `"*"` is any value, `""` none.
 */
export function compileWhen(
  spec: unknown,
  at: readonly PropertyKey[],
  fail: Fail,
): (scope: Scope) => boolean {
  if (typeof spec === 'string') {
    const path = pathAt(spec, at, fail)
    return (scope) => {
      const value = path.first(scope)
      return value !== undefined && !MISSING_KEY.whole(value)
    }
  }
  if (spec === null || typeof spec !== 'object' || Array.isArray(spec))
    return fail(at, 'when: must be a path that has a value, or a map of path to value or values')
  const tests = Object.entries(spec).map(([text, wanted]) => {
    const path = pathAt(text, [...at, text], fail)
    const values = new Set([wanted].flat().map((v) => normalText(String(v)).toLowerCase()))
    const any = values.has('*')
    return (scope: Scope) => {
      const value = path.first(scope)
      if (any && value !== undefined && !MISSING_KEY.whole(value)) return true
      return values.has(normalText(dataText(value ?? '')).toLowerCase())
    }
  })
  return (scope) => tests.every((t) => t(scope))
}

function compileMap(
  spec: Record<string, unknown>,
  many: boolean,
  at: readonly PropertyKey[],
  fail: Fail,
  outer: Missing,
): Rule {
  for (const key of Object.keys(spec))
    if (!(RULE_KEYS as readonly string[]).includes(key))
      fail([...at, key], `unknown key "${key}" in a rule; allowed are ${RULE_KEYS.join(', ')}`)
  const sources = ['from', 'join', 'constant'].filter((k) => Object.hasOwn(spec, k))
  if (sources.length !== 1) fail(at, 'a rule must have exactly one of from:, join:, constant:')

  const missing = 'map' in spec ? unlessListed(spec.map, outer) : outer
  let rule: Rule
  if ('constant' in spec) {
    const value = spec.constant
    if (!['string', 'number', 'boolean'].includes(typeof value))
      fail([...at, 'constant'], 'constant: must be a single value')
    rule = () => [value]
  } else if ('join' in spec) rule = compileJoin(spec, at, fail, missing)
  else rule = compileRule(spec.from, many, [...at, 'from'], fail, missing)

  if ('with' in spec && !('join' in spec))
    fail([...at, 'with'], 'with: is only allowed beside join:')
  if ('widths' in spec) checkWidths(spec, at, fail)
  if ('extract' in spec)
    rule = present(extracting(rule, spec.extract, [...at, 'extract'], fail), missing)
  if ('split' in spec)
    rule = present(splitting(rule, spec.split, many, [...at, 'split'], fail), missing)
  if ('map' in spec) rule = mappingCodes(rule, spec, at, fail)
  if ('otherwise' in spec) {
    const before = rule
    rule = (scope, report) => {
      const values = before(scope, report)
      return values.length > 0 ? values : [spec.otherwise]
    }
  }
  if ('when' in spec) {
    const holds = compileWhen(spec.when, [...at, 'when'], fail)
    const before = rule
    rule = (scope, report) => (holds(scope) ? before(scope, report) : [])
  }
  return rule
}

/** Returns the test without the texts that the map names: there they are codes. */
function unlessListed(map: unknown, missing: Missing): Missing {
  if (!isMap(map)) return missing
  const list = codeList(map)
  return {
    whole: (value) => missing.whole(value) && !list(value).listed,
    part: missing.part,
  }
}

function present(rule: Rule, missing: Missing): Rule {
  return (scope, report) => rule(scope, report).filter((v) => !missing.whole(v))
}

function fromPath(path: Path, many: boolean, missing: Missing): Rule {
  const has = (value: unknown) => !isEmpty(value) && !missing.whole(value)
  if (many) return (scope) => path.all(scope).flat().filter(has)
  return (scope) => {
    const value = path.first(scope)
    if (value === undefined) return []
    return has(value) ? [value] : path.all(scope).filter(has).slice(0, 1)
  }
}

function firstOf(rules: Rule[]): Rule {
  return (scope, report) => {
    for (const rule of rules) {
      const values = rule(scope, report)
      if (values.length > 0) return values
    }
    return []
  }
}

/**
 * Joins the parts that have a value, with a blank or `with` between them. A joined name of parts
 * that are all placeholders by themselves has none.
 */
function compileJoin(
  spec: Record<string, unknown>,
  at: readonly PropertyKey[],
  fail: Fail,
  missing: Missing,
): Rule {
  const { join, with: between = ' ' } = spec
  if (!Array.isArray(join) || join.length < 2)
    return fail([...at, 'join'], 'join: must be a list of at least two rules')
  if (typeof between !== 'string')
    return fail([...at, 'with'], 'with: must be the text between the parts')
  const part: Missing = { whole: missing.part, part: missing.part }
  const parts = join.map((s, i) => compileRule(s, false, [...at, 'join', i], fail, part))
  return (scope, report) => {
    const texts = parts
      .flatMap((p) => p(scope, report))
      .filter((v) => typeof v !== 'object')
      .map((v) => String(v).trim())
    return texts.every(missing.whole) ? [] : [texts.join(between)]
  }
}

/** Reading needs no widths: they say how a text that is written is divided over its parts. */
function checkWidths(spec: Record<string, unknown>, at: readonly PropertyKey[], fail: Fail): void {
  const { join, widths } = spec
  const isWidth = (width: unknown) => Number.isInteger(width) && Number(width) > 0
  if (!Array.isArray(join)) fail([...at, 'widths'], 'widths: is only allowed beside join:')
  else if (!Array.isArray(widths) || widths.length !== join.length || !widths.every(isWidth))
    fail([...at, 'widths'], 'widths: must list for each part of join: how many characters it holds')
  else if (join.some((part) => typeof part !== 'string'))
    fail([...at, 'widths'], 'widths: needs a path for each part of join:')
}

const patternCharsMax = 2_000

/** Takes the first group of a regular expression, or the whole match; no match gives no value. */
function extracting(rule: Rule, spec: unknown, at: readonly PropertyKey[], fail: Fail): Rule {
  if (String(spec).length > patternCharsMax)
    return fail(at, `the regular expression has more than ${patternCharsMax} characters`)
  let pattern: RegExp
  try {
    pattern = new RegExp(String(spec), 'u')
    // An expression is compiled at its first use, for each width of characters; that may fail too.
    for (const text of ['a', '\u{1f600}']) pattern.test(text)
  } catch (e) {
    return fail(at, `not a regular expression: ${e instanceof Error ? e.message : String(e)}`)
  }
  return (scope, report) =>
    rule(scope, report).flatMap((v) => {
      const text = dataText(v)
      // The time of an expression may grow with the square of the length of its text.
      if (text.length > bounds.textCharsMax) {
        report(
          'TOO_LONG',
          `the text has ${text.length} characters; at most ${bounds.textCharsMax} are read by extract:`,
        )
        return []
      }
      const m = pattern.exec(text)
      const found = m?.[1] ?? m?.[0]
      return found?.trim() ? [found.trim()] : []
    })
}

function splitting(
  rule: Rule,
  spec: unknown,
  many: boolean,
  at: readonly PropertyKey[],
  fail: Fail,
): Rule {
  if (typeof spec !== 'string' || spec === '')
    return fail(at, 'split: must be the text between the values, for example ";"')
  if (!many) return fail(at, 'split: is for list fields; this field holds a single value')
  return (scope, report) =>
    rule(scope, report).flatMap((v) =>
      typeof v === 'string'
        ? v
            .split(spec)
            .map((x) => x.trim())
            .filter((x) => x !== '')
        : [v],
    )
}

function mappingCodes(
  rule: Rule,
  spec: Record<string, unknown>,
  at: readonly PropertyKey[],
  fail: Fail,
): Rule {
  const { map } = spec
  if (map === null || typeof map !== 'object' || Array.isArray(map))
    return fail([...at, 'map'], 'map: must be a map of the source system’s codes to values')
  const list = codeList(map)
  return (scope, report) =>
    rule(scope, report).flatMap((v) => {
      const { known, value } = list(v)
      if (!isEmpty(value)) return [value]
      if (!known && !('otherwise' in spec))
        report(
          'UNKNOWN_CODE',
          `${JSON.stringify(dataText(v).slice(0, 60))} is not a code of the map in the mapping`,
        )
      return []
    })
}

/** Returns whether a value of a mapping file is a map of names. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
