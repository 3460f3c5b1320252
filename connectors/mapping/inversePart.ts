import { isDeepStrictEqual } from 'node:util'
import { dataText } from '../../schema/kit/dataText.ts'
import type { Json } from '../connection/contract.ts'
import type { OwnIds, WriteRefusal } from '../contract.ts'
import type { CodeList } from './codes.ts'
import { FORMS, type Hints } from './convert.ts'
import { parseCountry } from './country.ts'
import { parseCurrency } from './currency.ts'
import { formOf, missingIn, VALUE_KEYS, withoutKeys } from './field.ts'
import type { FieldContext } from './fieldContext.ts'
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
import { type Scope, scopeOf } from './path.ts'
import { locate, placeText, withPlace } from './rawPath.ts'
import { isMap, type Missing } from './rule.ts'
import type { Shape } from './shape.ts'
import { writtenLike } from './writtenForm.ts'

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

export type Context = FieldContext & Pick<InverseContext, 'readersOf'>

export interface At extends WriteScope, WrittenSystem {}

/** The inverse of one rule, without the check of its result. */
export interface Part {
  obstacle: Obstacle | null
  paths: string[]
  parts?: string[][]
  heldAt(scope: Scope): number | null
  write(wanted: unknown, at: At, evaluate: (raw: Record<string, unknown>) => unknown): Result
  expected(wanted: unknown, ownIds: OwnIds, now: unknown): unknown
}
export type Result = WrittenRaw | WriteRefusal

/** Equality of canonical values, as the engine compares golden values. */
export function sameCanonical(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b))
}

/** The same for values of which the order of a list does not count, as in survivorship. */
export function sameInAnyOrder(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return sameCanonical(a, b)
  return without(a, b).length + without(b, a).length === 0
}

/** Returns the values that are not among others. */
export function without(values: readonly unknown[], others: readonly unknown[]): unknown[] {
  return values.filter((value) => !others.some((other) => sameCanonical(other, value)))
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

export const same = (wanted: unknown) => wanted

export function closed(at: readonly PropertyKey[], why: string): Part {
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
export function settle(
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

export function valuePart(
  spec: unknown,
  shape: Shape,
  at: readonly PropertyKey[],
  ctx: Context,
): Part {
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
export function compileValue(
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

export function contextOf(ctx: Context, missing: Missing, many = false): InverseContext {
  const { fail, readersOf } = ctx
  return { fail, readersOf, missing, many, isFallback: false, addsElements: many }
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

/** Returns the scope of the same element in another form of the record. */
export function atBase(scope: At, raw: Record<string, unknown>): At {
  const element = locate(raw, [], { fromRoot: true, whole: null, steps: [...scope.base] })
  const item = 'code' in element ? undefined : element.current
  return { ...scope, raw, scope: { ...scopeOf(raw), item } }
}

export function merged(before: WrittenRaw, next: Result): WrittenRaw {
  return 'code' in next
    ? before
    : { raw: next.raw, values: new Map([...before.values, ...next.values]) }
}
