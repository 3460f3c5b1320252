import { Decimal } from 'decimal.js'
import { exponentOf } from '../../schema/currencyExponents.ts'
import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { OwnIds, WriteRefusal } from '../contract.ts'
import { toText } from './convert.ts'
import { parseCurrency } from './currency.ts'
import { GROUP_KEYS, withoutKeys } from './field.ts'
import type { Evaluate, FieldContext } from './fieldContext.ts'
import { listPart } from './inverseList.ts'
import {
  type At,
  atBase,
  type Context,
  closed,
  contextOf,
  merged,
  type Part,
  same,
  sameCanonical,
  settle,
  valuePart,
  type WrittenRaw,
  type WrittenSystem,
} from './inversePart.ts'
import {
  compileInverseRule,
  type InverseContext,
  type Obstacle,
  type Wanted,
} from './inverseRule.ts'
import { isEmpty, scopeOf } from './path.ts'
import { parsePath } from './pathText.ts'
import { locate, type RawPlace } from './rawPath.ts'
import { compileRule, isMap, MISSING_KEY } from './rule.ts'
import type { Shape } from './shape.ts'
import { codeLike, currencyLike, numberLike } from './writtenForm.ts'

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
  const rule = compileInverseRule(withoutKeys(spec, ['ref', 'source']), at, {
    ...contextOf(ctx, MISSING_KEY),
    addsElements: true,
  })
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
