import { isDeepStrictEqual } from 'node:util'
import { Decimal } from 'decimal.js'
import { exponentOf } from '../../schema/currencyExponents.ts'
import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { Json } from '../connection/contract.ts'
import type { OwnIds, WriteRefusal } from '../contract.ts'
import type { CodeList } from './codes.ts'
import { FORMS, type Hints, toText } from './convert.ts'
import { parseCountry } from './country.ts'
import { parseCurrency } from './currency.ts'
import { formOf, GROUP_KEYS, missingIn, VALUE_KEYS, withoutKeys } from './field.ts'
import type { Evaluate, FieldContext } from './fieldContext.ts'
import {
  codesRule,
  compileInverseRule,
  type InverseContext,
  type Obstacle,
  type Proposal,
  type Wanted,
  type WritableRule,
  type WriteScope,
} from './inverseRule.ts'
import { foldName, isEmpty, type Scope, scopeOf } from './path.ts'
import { parsePath } from './pathText.ts'
import { locate, placeText, type RawPlace, withPlace } from './rawPath.ts'
import { compileRule, isMap, MISSING_KEY, type Missing } from './rule.ts'
import type { Shape } from './shape.ts'
import { codeLike, currencyLike, numberLike, writtenLike } from './writtenForm.ts'

/** What is known of the source system that is written to. */
export interface WrittenSystem {
  ownIds: OwnIds
  /** Returns whether the system accepts a value at a path of its record. */
  canWrite(path: string): boolean
}

/** A raw record with the values of one field written, and these values by path. */
export interface WrittenRaw {
  raw: Record<string, unknown>
  values: Map<string, Json>
}

export interface FieldInverse {
  /** Why the field cannot be written at all; null where it can. */
  obstacle: Obstacle | null
  /** Paths that a write may change, as the mapping writes them. */
  paths: string[]
  /** The same by part of a group; each part has to be written by itself. */
  parts: string[][]
  /** Makes the rule give `wanted`; undefined empties the field. */
  write(
    raw: Record<string, unknown>,
    wanted: unknown,
    system: WrittenSystem,
  ): WrittenRaw | WriteRefusal
  /** Returns the value that the rule gives when a reference was written. */
  expected(wanted: unknown, ownIds: OwnIds, raw: Record<string, unknown>): unknown
}

type Context = FieldContext & Pick<InverseContext, 'readersOf'>

interface At extends WriteScope, WrittenSystem {}

/** The inverse of one rule, without the check of its result. */
interface Part {
  obstacle: Obstacle | null
  paths: string[]
  parts?: string[][]
  heldAt(scope: Scope): number | null
  write(wanted: unknown, at: At, evaluate: (raw: Record<string, unknown>) => unknown): Result
  expected(wanted: unknown, ownIds: OwnIds, now: unknown): unknown
}
type Result = WrittenRaw | WriteRefusal

/**
 * Compiles the inverse of the rule of one field. A field is writable where its rule leads back to
 * places of the record: paths, alternatives, codes, groups, amounts and references. What it writes
 * is mapped again, so a result that would be read otherwise is refused.
 */
export function compileInverse(
  spec: unknown,
  shape: Shape,
  name: string,
  at: readonly PropertyKey[],
  fields: FieldContext,
  readersOf: InverseContext['readersOf'],
  evaluate: Evaluate,
): FieldInverse {
  const part = compilePart(spec, shape, name, at, { ...fields, readersOf })
  return {
    obstacle: part.obstacle,
    paths: part.paths,
    parts: part.parts ?? [part.paths],
    write: (raw, wanted, system) => {
      if (part.obstacle) return { code: 'NO_INVERSE', detail: part.obstacle.why }
      const scope: At = { raw, base: [], scope: scopeOf(raw), besides: null, ...system }
      return part.write(wanted, scope, (made) => evaluate(scopeOf(made), []))
    },
    expected: (wanted, ownIds, raw) => part.expected(wanted, ownIds, evaluate(scopeOf(raw), [])),
  }
}

/** Equality of canonical values, as the engine compares golden values. */
export function sameCanonical(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b))
}

/** Null, an empty list and a part without a value are no value. */
export function plain(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.length > 0 ? value.map(plain) : undefined
  if (!isMap(value)) return value
  const parts = Object.entries(value)
    .map(([k, v]) => [k, plain(v)] as const)
    .filter(([, v]) => v !== undefined)
  return parts.length > 0 ? Object.fromEntries(parts) : undefined
}

function compilePart(
  spec: unknown,
  shape: Shape,
  name: string,
  at: readonly PropertyKey[],
  ctx: Context,
): Part {
  if (shape.kind === 'GROUP' && shape.list)
    return closed(at, 'it is a list of groups, and none of their elements is the one to write')
  if (shape.kind === 'GROUP')
    return shape.typeName === 'Money'
      ? moneyPart(spec, at, ctx)
      : groupPart(spec, shape, name, at, ctx)
  if (shape.kind === 'REFERENCE') return referencePart(spec, shape, at, ctx)
  if (shape.kind === 'MINOR_UNITS') return closed(at, 'it is an amount without its currency')
  return shape.list ? listPart(spec, shape, at, ctx) : valuePart(spec, shape, at, ctx)
}

const same = (wanted: unknown) => wanted

function closed(at: readonly PropertyKey[], why: string): Part {
  const refusal: WriteRefusal = { code: 'NO_INVERSE', detail: why }
  return {
    obstacle: { at, why },
    paths: [],
    heldAt: () => null,
    write: () => refusal,
    expected: same,
  }
}

/** Tries proposals in turn until one of them makes the rule give the wanted value. */
function settle(
  proposals: (Proposal | WriteRefusal)[],
  { raw, canWrite }: Pick<At, 'raw' | 'canWrite'>,
  isReached: (raw: Record<string, unknown>) => boolean,
): Result {
  const barred = new Set<string>()
  for (const proposal of proposals) {
    if (!Array.isArray(proposal)) continue
    const closed = proposal.map(([{ steps }]) => placeText(steps)).filter((p) => !canWrite(p))
    for (const path of closed) barred.add(path)
    if (closed.length > 0) continue
    const values = new Map<string, Json>()
    let made = raw
    for (const [{ steps }, value] of proposal) {
      made = withPlace(made, steps, value)
      values.set(placeText(steps), value)
    }
    if (isReached(made)) return { raw: made, values }
  }
  if (barred.size > 0)
    return {
      code: 'NOT_WRITABLE',
      detail: `the connection does not write ${[...barred].join(', ')}`,
    }
  const refusal = proposals.find((p): p is WriteRefusal => !Array.isArray(p))
  return refusal ?? { code: 'NOT_THE_VALUE', detail: 'the record would be read with another value' }
}

function valuePart(spec: unknown, shape: Shape, at: readonly PropertyKey[], ctx: Context): Part {
  const { rule, wantedOf } = compileValue(spec, shape, at, ctx)
  return {
    ...rule,
    expected: same,
    write: (value, scope, evaluate) =>
      settle(rule.propose(wantedOf(value ?? null), scope), scope, (raw) =>
        sameCanonical(evaluate(raw), value),
      ),
  }
}

/** Compiles the rule of a single value with its form and its code list. */
function compileValue(
  spec: unknown,
  shape: Shape,
  at: readonly PropertyKey[],
  ctx: Context,
  many = false,
): { rule: WritableRule; wantedOf: (value: unknown) => Wanted } {
  const options = isMap(spec) ? spec : {}
  const form = formOf(options.as, shape, at, ctx)
  const list = typeof options.codes === 'string' ? ctx.codes(options.codes) : null
  const below = compileInverseRule(
    withoutKeys(spec, VALUE_KEYS),
    at,
    contextOf(ctx, missingIn(shape, list, ctx), many),
  )
  const rule = list && !below.obstacle ? withList(below, list, form, at) : below
  const hints: Hints = { country: null, times: ctx.times, separator: ctx.separator }
  const fits = (wanted: unknown) => (read: unknown) => {
    const made = FORMS[form](read, hints)
    if (!('value' in made)) return false
    if (shape.kind === 'ENUM') return dataText(made.value).toUpperCase() === wanted
    return sameCanonical(made.value, wanted)
  }
  return {
    rule,
    wantedOf: (value) => ({
      value,
      fits: fits(value),
      forms: (current, raw) => {
        const written = writtenLike(value, form, current, ctx, raw)
        return written === null ? [] : [written]
      },
    }),
  }
}

function contextOf(ctx: Context, missing: Missing, many = false): InverseContext {
  const { fail, readersOf } = ctx
  return { fail, readersOf, missing, many, isFallback: false }
}

/** A list of countries or currencies has only unusual spellings; all others stand for themselves. */
function withList(
  below: WritableRule,
  list: CodeList,
  form: string,
  at: readonly PropertyKey[],
): WritableRule {
  const parse = form === 'country' ? parseCountry : form === 'currency' ? parseCurrency : null
  const itself = parse && ((value: unknown) => parse(dataText(value)) !== null)
  return { ...codesRule(below, list, [...at, 'codes'], itself), heldAt: below.heldAt }
}

/** Each value of a list has a path of its own; a path that holds a list has all of them. */
function listPart(spec: unknown, shape: Shape, at: readonly PropertyKey[], ctx: Context): Part {
  const options = isMap(spec) ? spec : {}
  const inner = withoutKeys(spec, VALUE_KEYS)
  const from = isMap(inner) && Object.keys(inner).length === 1 ? inner.from : inner
  // DUNSNumber and DunsNumber are one place.
  const named = (s: unknown) => (typeof s === 'string' ? foldName(s) : s)
  const all: unknown[] = [from].flat()
  const specs = all.filter((s, i) => all.findIndex((other) => named(other) === named(s)) === i)
  const single = { ...shape, list: false }
  const keys = Object.fromEntries(
    VALUE_KEYS.flatMap((k) => (options[k] === undefined ? [] : [[k, options[k]]])),
  )
  const slots = specs.map((s) =>
    compileValue(
      isMap(s) ? { ...keys, ...s } : { ...keys, from: s },
      single,
      Array.isArray(from) ? [...at, all.indexOf(s)] : at,
      ctx,
      true,
    ),
  )
  const obstacle = slots.find((s) => s.rule.obstacle)?.rule.obstacle
  if (obstacle) return closed(obstacle.at, obstacle.why)
  return {
    obstacle: null,
    paths: slots.flatMap((s) => s.rule.paths),
    heldAt: (scope) => (slots.some((s) => s.rule.heldAt(scope) !== null) ? 0 : null),
    expected: same,
    write: (wanted, scope, evaluate) => {
      const values = (wanted ?? []) as unknown[]
      const only = slots.length === 1 ? specs[0] : undefined
      const place =
        typeof only === 'string' ? locate(scope.raw, scope.base, parsePath(only)) : undefined
      const isReached = (raw: Record<string, unknown>) => sameCanonical(evaluate(raw), wanted)
      if (place && !('code' in place) && Array.isArray(place.current))
        return settle([[[place, values as Json[]]]], scope, isReached)
      if (values.length > slots.length)
        return {
          code: 'TOO_MANY_VALUES',
          detail: `there are ${values.length} values, and the record has ${slots.length} places for them`,
        }
      let written: WrittenRaw = { raw: scope.raw, values: new Map() }
      for (const [i, { rule, wantedOf }] of slots.entries()) {
        const value = values[i] ?? null
        const now = atBase(scope, written.raw)
        if (value === null && rule.heldAt(now.scope) === null) continue
        const [first] = rule.propose(wantedOf(value), now)
        if (!first) continue
        if (!Array.isArray(first)) return first
        const next = settle([first], now, () => true)
        if ('code' in next) return next
        written = merged(written, next)
      }
      return isReached(written.raw)
        ? written
        : { code: 'NOT_THE_VALUE', detail: 'the record would be read with other values' }
    },
  }
}

/** Returns the scope of the same element in another form of the record. */
function atBase(scope: At, raw: Record<string, unknown>): At {
  const element = locate(raw, [], { fromRoot: true, whole: null, steps: [...scope.base] })
  const item = 'code' in element ? undefined : element.current
  return { ...scope, raw, scope: { ...scopeOf(raw), item } }
}

function merged(before: WrittenRaw, next: Result): WrittenRaw {
  return 'code' in next
    ? before
    : { raw: next.raw, values: new Map([...before.values, ...next.values]) }
}

function referencePart(
  spec: unknown,
  shape: Shape,
  at: readonly PropertyKey[],
  ctx: Context,
): Part {
  if (shape.list || !isMap(spec)) return closed(at, 'it is a list of references')
  const elsewhere = spec.source !== undefined
  const object = elsewhere ? String(spec.ref) : ctx.target(String(spec.ref), [...at, 'ref']).object
  const source = elsewhere ? String(spec.source) : ctx.source
  const rule = compileInverseRule(
    withoutKeys(spec, ['ref', 'source']),
    at,
    contextOf(ctx, MISSING_KEY),
  )
  const form = (id: string) => (elsewhere ? id : ctx.idForm(id))
  const keyOf = (id: string) => recordKey(source, object, form(id))
  /** The record to which the reference leads now stays where it is one of the wanted thing. */
  const target = (wanted: unknown, ownIds: OwnIds, now: unknown) => {
    const ids = ownIds(source, object, String(wanted))
    return ids.find((id) => keyOf(id) === now) ?? ids[0]
  }
  return {
    ...rule,
    expected: (wanted, ownIds, now) => {
      if (wanted === undefined || wanted === null) return undefined
      const id = target(wanted, ownIds, now)
      return id === undefined ? wanted : keyOf(id)
    },
    write: (wanted, scope, evaluate) => {
      const empty = wanted === undefined || wanted === null
      const id = empty ? null : target(wanted, scope.ownIds, evaluate(scope.raw))
      if (id === undefined)
        return {
          code: 'NO_RECORD',
          detail: `${source} has no ${object} that belongs to ${String(wanted)}`,
        }
      const want: Wanted = {
        value: id,
        fits: (read) => id !== null && form(toText(read) ?? '') === form(id),
        forms: (current) => (id === null ? [] : [codeLike(id, current)]),
      }
      const key = id === null ? undefined : keyOf(id)
      return settle(rule.propose(want, scope), scope, (raw) => evaluate(raw) === key)
    },
  }
}

function moneyPart(spec: unknown, at: readonly PropertyKey[], ctx: Context): Part {
  if (!isMap(spec)) return closed(at, 'it is no amount')
  for (const key of ['each', 'times', 'packs', 'tiers'])
    if (Object.hasOwn(spec, key))
      return closed([...at, key], `${key}: computes the amount of several values`)
  const side = 'major' in spec ? 'major' : 'minor'
  const isMissing = (value: unknown) => ctx.isPlaceholder(value, 'VALUE')
  const missing = { whole: isMissing, part: isMissing }
  const amount = compileInverseRule(ownValue(spec, side), [...at, side], contextOf(ctx, missing))
  const currency = compileInverseRule(spec.currency, [...at, 'currency'], contextOf(ctx, missing))
  if (amount.obstacle) return closed(amount.obstacle.at, amount.obstacle.why)
  const currencyNow = compileRule(spec.currency, false, [...at, 'currency'], ctx.fail, missing)
  return {
    obstacle: null,
    paths: [...amount.paths, ...(currency.obstacle ? [] : currency.paths)],
    heldAt: amount.heldAt,
    expected: same,
    write: (wanted, scope, evaluate) => {
      const isReached = (raw: Record<string, unknown>) => sameCanonical(evaluate(raw), wanted)
      if (wanted === undefined || wanted === null) {
        const none: Wanted = { value: null, fits: () => false, forms: () => [] }
        return settle(amount.propose(none, scope), scope, isReached)
      }
      const money = wanted as { minorUnits: number; currency: string }
      const number =
        side === 'major'
          ? new Decimal(money.minorUnits).div(new Decimal(10).pow(exponentOf(money.currency)))
          : new Decimal(money.minorUnits).times(
              new Decimal(10).pow(
                (ownValue(ctx.minorExponents, money.currency) ?? exponentOf(money.currency)) -
                  exponentOf(money.currency),
              ),
            )
      const written = settle(
        amount.propose(
          {
            value: money,
            fits: () => false,
            forms: (current) => [numberLike(number, current, ctx.separator)],
          },
          scope,
        ),
        scope,
        () => true,
      )
      if ('code' in written) return written
      const scoped = atBase(scope, written.raw)
      const [now] = currencyNow(scoped.scope, () => {})
      if (now !== undefined && parseCurrency(dataText(now)) === money.currency)
        return isReached(written.raw) ? written : notTheValue
      if (currency.obstacle)
        return {
          code: 'NO_INVERSE',
          detail: `the amount is in ${money.currency}, and the currency cannot be written: ${currency.obstacle.why}`,
        }
      const want: Wanted = {
        value: money.currency,
        fits: (read) => parseCurrency(dataText(read)) === money.currency,
        forms: (current) => [currencyLike(money.currency, current)],
      }
      const both = settle(currency.propose(want, scoped), scoped, isReached)
      return 'code' in both ? both : merged(written, both)
    },
  }
}

const notTheValue: WriteRefusal = {
  code: 'NOT_THE_VALUE',
  detail: 'the record would be read with another value',
}

function groupPart(
  spec: unknown,
  shape: Shape,
  name: string,
  at: readonly PropertyKey[],
  ctx: Context,
): Part {
  if (!isMap(spec)) return closed(at, 'it is no group')
  const parts = Object.entries(spec)
    .filter(([key]) => !(GROUP_KEYS as readonly string[]).includes(key))
    .flatMap(([key, rule]) => {
      const field = shape.fields?.find((f) => f.name === key)
      const part = field && compilePart(rule, field, `${name}.${key}`, [...at, key], ctx)
      return part ? [{ key, part }] : []
    })
  const barred = parts.find((p) => p.part.obstacle)
  if (barred?.part.obstacle)
    return closed(barred.part.obstacle.at, `its part ${barred.key}: ${barred.part.obstacle.why}`)
  const each = [spec.each ?? []].flat().map((text) => parsePath(String(text)))
  const prefixes = spec.each === undefined ? [''] : [spec.each].flat().map((t) => `${String(t)}.`)
  const pathsOf = parts.map(({ part }) =>
    prefixes.flatMap((prefix) => part.paths.map((path) => prefix + path)),
  )
  return {
    obstacle: null,
    paths: pathsOf.flat(),
    parts: pathsOf,
    heldAt: (scope) => (parts.some((p) => p.part.heldAt(scope) !== null) ? 0 : null),
    expected: same,
    write: (wanted, scope, evaluate) => {
      const element = each.length === 0 ? null : elementOf(each, parts, scope)
      if (element && 'code' in element) return element
      const inside: At = element ? { ...scope, base: element.steps } : scope
      const values = (wanted ?? {}) as Record<string, unknown>
      const { scope: before } = atBase(inside, scope.raw)
      const besides = Math.max(...parts.map(({ part }) => part.heldAt(before) ?? -1))
      let written: WrittenRaw = { raw: scope.raw, values: new Map() }
      for (const { key, part } of parts) {
        const partOf = (raw: Record<string, unknown>) => {
          const group = evaluate(raw)
          return isMap(group) ? ownValue(group, key) : undefined
        }
        const value = ownValue(values, key)
        if (sameCanonical(partOf(written.raw), value)) continue
        const next = part.write(value, { ...atBase(inside, written.raw), besides }, partOf)
        if ('code' in next) return { ...next, detail: `${key}: ${next.detail}` }
        written = merged(written, next)
      }
      return sameCanonical(evaluate(written.raw), wanted) ? written : notTheValue
    },
  }
}

/**
 * Returns the element of `each:` from which the group is read now, else the first that is there,
 * else the first place where one can be made.
 */
function elementOf(
  each: readonly ReturnType<typeof parsePath>[],
  parts: readonly { part: Part }[],
  { raw, scope }: At,
): RawPlace | WriteRefusal {
  const places = each.map((path) => locate(raw, [], path))
  const found = places.filter((p): p is RawPlace => !('code' in p))
  const read = found.find(({ current }) =>
    parts.some(({ part }) => part.heldAt({ ...scope, item: current }) !== null),
  )
  const made = read ?? found.find((p) => !isEmpty(p.current)) ?? found[0]
  if (made) return made
  const fault = places.find((p) => 'code' in p)
  return fault && 'code' in fault
    ? fault
    : { code: 'NO_ELEMENT', detail: 'the record has no such element' }
}
