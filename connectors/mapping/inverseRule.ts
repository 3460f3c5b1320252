import { dataText } from '../../schema/kit/dataText.ts'
import type { Json } from '../connection/contract.ts'
import type { WriteRefusal } from '../contract.ts'
import { type CodeList, codeList } from './codes.ts'
import { divisionsOf } from './division.ts'
import { isValueList, namedElement } from './namedElement.ts'
import { compilePath, isEmpty, type Scope } from './path.ts'
import { type PathStep, parsePath } from './pathText.ts'
import { locate, placeText, type RawPlace } from './rawPath.ts'
import { compileRule, compileWhen, type Fail, isMap, type Missing } from './rule.ts'
import { codeLike } from './writtenForm.ts'

/** A rule, or a part of one, that cannot be written at all. */
export interface Obstacle {
  /** Path of the rule in its mapping file. */
  at: readonly PropertyKey[]
  why: string
}

/** The value that a rule has to give after the write. */
export interface Wanted {
  /** Null empties the field. */
  value: unknown
  /** Returns whether a value that the rule reads would become the wanted one. */
  fits(value: unknown): boolean
  /** Returns the raw values to try where `current` stands, in the record `raw`. */
  forms(current: unknown, raw?: Readonly<Record<string, unknown>>): Json[]
}

/** New values at their places; several places belong together. */
export type Proposal = [place: RawPlace, value: Json][]

export interface WritableRule {
  obstacle: Obstacle | null
  /** Paths that a write may change, relative to `each:`. */
  paths: string[]
  /** Returns which alternative gives a value now, 0 where there is only one; null for no value. */
  heldAt(scope: Scope): number | null
  /** Returns whether the conditions of the rule let it be read now. */
  isOpen(scope: Scope): boolean
  /** Returns what to try in turn, and why others cannot be tried. */
  propose(wanted: Wanted, at: WriteScope): (Proposal | WriteRefusal)[]
}

export interface WriteScope {
  raw: Record<string, unknown>
  /** The element of `each:` in which paths begin. */
  base: readonly PathStep[]
  scope: Scope
  /** The alternative that gives the other parts of the group; null where none is known. */
  besides: number | null
}

export interface InverseContext {
  fail: Fail
  missing: Missing
  /** True for one of the values of a list. */
  many: boolean
  /** True for an alternative that is not the first. */
  isFallback: boolean
  /** True where a value that is missing may become another element of a list. */
  addsElements: boolean
  /** Returns the other fields, or `id`, whose values are read from a path. */
  readersOf(path: string): readonly string[]
}

/** Compiles the inverse of a rule for one value (docs/write-back.md). */
export function compileInverseRule(
  spec: unknown,
  at: readonly PropertyKey[],
  ctx: InverseContext,
): WritableRule {
  const read = compileRule(spec, ctx.many, at, ctx.fail, ctx.missing)
  const heldAt = (scope: Scope) => (read(scope, () => {}).length > 0 ? 0 : null)
  if (typeof spec === 'string') return { ...pathRule(spec, at, ctx), heldAt }
  if (Array.isArray(spec))
    return firstRule(
      spec.map((s, i) =>
        compileInverseRule(s, [...at, i], { ...ctx, isFallback: ctx.isFallback || i > 0 }),
      ),
    )
  if (!isMap(spec)) return { ...closed(at, 'it is no path'), heldAt }
  const isOpen = 'when' in spec ? compileWhen(spec.when, [...at, 'when'], ctx.fail) : () => true
  const rule = mapRule(spec, at, ctx)
  return {
    ...rule,
    heldAt: (scope) => (heldAt(scope) === null ? null : (rule.heldAt?.(scope) ?? 0)),
    isOpen: (scope) => isOpen(scope) && rule.isOpen(scope),
  }
}

type Unread = Omit<WritableRule, 'heldAt'> & { heldAt?: WritableRule['heldAt'] }

function closed(at: readonly PropertyKey[], why: string): Unread {
  const refusal: WriteRefusal = { code: 'NO_INVERSE', detail: why }
  return { obstacle: { at, why }, paths: [], isOpen: () => true, propose: () => [refusal] }
}

function mapRule(
  spec: Record<string, unknown>,
  at: readonly PropertyKey[],
  ctx: InverseContext,
): Unread {
  if ('constant' in spec) return closed(at, 'it is a fixed value')
  if ('extract' in spec)
    return closed([...at, 'extract'], 'extract: takes a part of a text, and the rest is not known')
  if ('split' in spec) return closed([...at, 'split'], 'split: takes parts of one text')
  const below =
    'join' in spec ? joinRule(spec, at, ctx) : compileInverseRule(spec.from, [...at, 'from'], ctx)
  if (!isMap(spec.map) || below.obstacle) return below
  return codesRule(below, codeList(spec.map), [...at, 'map'])
}

function pathRule(text: string, at: readonly PropertyKey[], ctx: InverseContext): Unread {
  const path = parsePath(text)
  const isOfMany = path.steps.some((s) => s.selectors.some((selector) => selector.how === 'all'))
  if (isOfMany && ctx.addsElements && !path.fromRoot && isValueList(path.steps))
    return elementRule(text, path.steps, at, ctx)
  if (isOfMany)
    return closed(at, `${text} reads every element of a list, and none is the one to write`)
  const readers = ctx.readersOf(text)
  if (readers.includes('id')) return closed(at, `the id of the record is read from ${text}`)
  // A stand-in for a missing value, such as the domain for a name, is another fact.
  if (ctx.isFallback && readers.length > 0)
    return closed(
      at,
      `${text} stands in for a missing value, and is ${readers.join(' and ')} itself`,
    )
  return {
    obstacle: null,
    paths: [text],
    isOpen: () => true,
    propose: (wanted, { raw, base }) => {
      const place = locate(raw, base, path)
      if ('code' in place) return [place]
      if (wanted.value === null) return isEmpty(place.current) ? [[]] : [[[place, null]]]
      const forms = wanted.forms(place.current, raw)
      if (forms.length > 0) return forms.map((form): Proposal => [[place, form]])
      const at = placeText(place.steps)
      const detail = isEmpty(place.current)
        ? `no value of ${at} would be read as ${JSON.stringify(wanted.value)}`
        : `${at} is ${JSON.stringify(place.current)}, a form that is read and cannot be written`
      return [{ code: 'UNKNOWN_FORM', detail }]
    },
  }
}

/**
 * A value that every element of a list may have is written as another element, which is named by it.
 * An element that is there keeps its value.
 */
function elementRule(
  text: string,
  list: readonly PathStep[],
  at: readonly PropertyKey[],
  ctx: InverseContext,
): Unread {
  const readers = ctx.readersOf(text)
  if (ctx.isFallback && (!ctx.many || readers.length > 0))
    return closed(at, `${text} stands in for a missing value, and no element is made of it`)
  if (readers.includes('id')) return closed(at, `the id of the record is read from ${text}`)
  const refused = (code: WriteRefusal['code'], detail: string) => [{ code, detail }]
  const path = compilePath(text)
  return {
    obstacle: null,
    paths: [text],
    isOpen: () => true,
    propose: (wanted, { raw, base, scope }) => {
      if (base.length > 0) return refused('NO_INVERSE', `${text} is a list within an element`)
      const isHeld = !ctx.many && path.first(scope) !== undefined
      if (wanted.value === null || isHeld)
        return refused(
          'NO_REMOVAL',
          `the record has ${text} already, and a write takes nothing out of that list: change it in the system itself`,
        )
      return wanted.forms(undefined, raw).map((form) => {
        const steps = namedElement(list, dataText(form))
        const place = steps && locate(raw, [], { fromRoot: true, whole: null, steps })
        const shown = JSON.stringify(form)
        if (!place)
          return { code: 'UNKNOWN_FORM', detail: `${shown} cannot name an element of ${text}` }
        return 'code' in place ? place : [[place, form]]
      })
    },
  }
}

/**
 * The alternative that gives the value now is written. Where it cannot be written, one before it can
 * be filled. Without a value it is the alternative of the other parts of the group, else the first.
 */
function firstRule(rules: WritableRule[]): WritableRule {
  const writable = rules.filter((r) => r.obstacle === null)
  const heldAt = (scope: Scope) => {
    const index = rules.findIndex((r) => r.heldAt(scope) !== null)
    return index < 0 ? null : index
  }
  return {
    obstacle: writable.length > 0 ? null : (rules[0]?.obstacle ?? null),
    paths: writable.flatMap((r) => r.paths),
    heldAt,
    isOpen: (scope) => rules.some((r) => r.isOpen(scope)),
    propose: (wanted, at) => {
      const held = heldAt(at.scope)
      if (wanted.value === null)
        return emptied(
          rules.filter((r) => r.heldAt(at.scope) !== null),
          wanted,
          at,
        )
      const holder = rules[held ?? at.besides ?? -1]
      const open = rules
        .slice(0, held === null ? rules.length : held + 1)
        .filter((r) => r.obstacle === null && r.isOpen(at.scope))
      const order = new Set([...open.filter((r) => r === holder), ...open])
      const made = [...order].flatMap((r) => r.propose(wanted, at))
      return made.length > 0 ? made : ((holder ?? rules[0])?.propose(wanted, at) ?? [])
    },
  }
}

/** While a value is left in a later alternative, it stands in, so that one is emptied too. */
function emptied(
  held: readonly WritableRule[],
  wanted: Wanted,
  at: WriteScope,
): (Proposal | WriteRefusal)[] {
  const all: (Proposal | WriteRefusal)[] = []
  let sofar: Proposal = []
  for (const rule of held) {
    const [next] = rule.propose(wanted, at)
    if (!next || !Array.isArray(next)) return [...all, ...(next ? [next] : [])]
    sofar = [...sofar, ...next]
    all.push(sofar)
  }
  return all
}

/**
 * Parts with a visible text between them, such as the lines of an address, can be told apart, and so
 * can one part beside fixed texts. Names that are joined with a blank cannot, unless `widths:` says
 * how many characters each part holds: then the text goes on in the next part.
 */
function joinRule(
  spec: Record<string, unknown>,
  at: readonly PropertyKey[],
  ctx: InverseContext,
): Unread {
  const place = [...at, 'join']
  const between = typeof spec.with === 'string' ? spec.with : ' '
  const parts: unknown[] = Array.isArray(spec.join) ? spec.join : []
  const isFixed = (part: unknown) => isMap(part) && 'constant' in part && !('when' in part)
  const variable = parts.filter((part) => !isFixed(part))
  if (variable.length === 1) return affixRule(parts, variable[0], between, place, ctx)
  const texts = parts.filter((part) => typeof part === 'string')
  const widths = Array.isArray(spec.widths) ? (spec.widths as number[]) : null
  if (texts.length !== parts.length || (between.trim() === '' && !widths))
    return closed(place, 'join: makes one text of several, which cannot be told apart')
  const paths = texts.map((text) => ({ ...pathRule(text, place, ctx), path: parsePath(text) }))
  const barred = paths.find((p) => p.obstacle)?.obstacle
  if (barred) return closed(barred.at, barred.why)
  return {
    obstacle: null,
    paths: texts,
    isOpen: () => true,
    propose: (wanted, { raw, base }) => {
      const places: RawPlace[] = []
      for (const { path } of paths) {
        const found = locate(raw, base, path)
        if ('code' in found) return [found]
        places.push(found)
      }
      const forms = wanted.value === null ? [''] : wanted.forms(undefined).map(String)
      return forms.flatMap((form): (Proposal | WriteRefusal)[] => {
        const divisions = widths
          ? divisionsOf(form, { between, widths, currents: places.map((p) => p.current) })
          : [form === '' ? [] : lines(form, between, places)]
        if (divisions.length === 0) return [tooLong(form, widths ?? [], texts)]
        return divisions.map((texts) =>
          places.flatMap((found, i): Proposal => {
            const text = texts[i] ?? null
            const isSame = isEmpty(text) ? isEmpty(found.current) : text === found.current
            return isSame ? [] : [[found, text]]
          }),
        )
      })
    },
  }
}

/** Takes the fixed texts around the only part off. */
function affixRule(
  parts: readonly unknown[],
  variable: unknown,
  between: string,
  at: readonly PropertyKey[],
  ctx: InverseContext,
): Unread {
  const index = parts.indexOf(variable)
  const rule = compileInverseRule(variable, [...at, index], ctx)
  const fixed = (part: unknown) => String(isMap(part) ? part.constant : '')
  const before = parts.slice(0, index).map((part) => fixed(part) + between)
  const after = parts.slice(index + 1).map((part) => between + fixed(part))
  const [head, tail] = [before.join(''), after.join('')]
  return {
    ...rule,
    propose: (wanted, scope) =>
      rule.propose(
        {
          ...wanted,
          forms: (current) =>
            wanted
              .forms(undefined)
              .map(String)
              .filter((text) => text.startsWith(head) && text.endsWith(tail))
              .map((text) => codeLike(text.slice(head.length, text.length - tail.length), current)),
        },
        scope,
      ),
  }
}

/** Divides a text over the parts: a part stays where the text still begins with it. */
function lines(text: string, between: string, places: readonly RawPlace[]): string[] {
  const made: string[] = []
  let rest: string | null = text
  for (const [i, { current }] of places.entries()) {
    if (rest === null) break
    const isLast: boolean = i === places.length - 1
    const stays: boolean =
      typeof current === 'string' && !isEmpty(current) && rest.startsWith(current + between)
    const end: number = stays ? String(current).length : rest.indexOf(between)
    if (isLast || end < 0) {
      made.push(rest)
      rest = null
    } else {
      made.push(rest.slice(0, end))
      rest = rest.slice(end + between.length)
    }
  }
  return made
}

function tooLong(text: string, widths: readonly number[], paths: readonly string[]): WriteRefusal {
  const parts = paths.map((path, i) => `${path} (${widths[i]} characters)`).join(', ')
  return {
    code: 'TOO_LONG',
    detail: `the text has ${text.length} characters, and does not fit into ${parts} without a cut within a word`,
  }
}

/** Compiles the inverse of codes: the code that stands there if it means the same, else the first. */
export function codesRule(
  below: Unread,
  list: CodeList,
  at: readonly PropertyKey[],
  fallback: ((value: unknown) => boolean) | null = null,
): Unread {
  const some = list.codesOf(() => true)
  if (some.whole.length === 0 && !fallback)
    return closed(at, 'its codes are beginnings of codes, and none is a whole one')
  return {
    ...below,
    propose: (wanted, scope) => {
      if (wanted.value === null) return below.propose(wanted, scope)
      const { whole, prefixes } = list.codesOf(wanted.fits)
      if (whole.length === 0 && fallback?.(wanted.value)) return below.propose(wanted, scope)
      if (whole.length === 0)
        return [
          {
            code: 'NO_CODE',
            detail: `no code of the system means ${JSON.stringify(wanted.value)}${
              prefixes.length > 0 ? `; "${prefixes[0]}" is only the beginning of one` : ''
            }; add it to the map, or in an overlay`,
          },
        ]
      return below.propose(
        {
          value: wanted.value,
          fits: (code) => wanted.fits(list(code).value),
          forms: (current) => inStyleOf(current, whole).map((code) => codeLike(code, current)),
        },
        scope,
      )
    },
  }
}

/** Codes as long as the one that stands there come first: T and not true beside F. */
function inStyleOf(current: unknown, codes: readonly string[]): string[] {
  const length = typeof current === 'string' ? current.trim().length : 0
  const isAlike = (code: string) => Number(code.length === length)
  return [...codes].sort((a, b) => isAlike(b) - isAlike(a))
}
