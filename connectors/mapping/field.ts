import { dataText } from '../../schema/kit/dataText.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { bounds } from '../bounds.ts'
import type { Issue } from '../contract.ts'
import type { CodeList } from './codes.ts'
import { type Convert, FORMS, type Form, type Hints, show, toText } from './convert.ts'
import { parseCountry } from './country.ts'
import { parseCurrency } from './currency.ts'
import type { Evaluate, FieldContext } from './fieldContext.ts'
import { isRoundedId, roundedId } from './identity.ts'
import { compileMoney } from './money.ts'
import { isEmpty, type Path, type Scope } from './path.ts'
import { compileRule, isMap, type Missing, pathAt } from './rule.ts'
import { EXACT_MONEY, type Shape } from './shape.ts'

export const VALUE_KEYS = ['as', 'country', 'codes'] as const
const REF_KEYS = ['ref', 'from', 'source', 'when'] as const

/** Compiles the rule of one field; `name` is its name in issues: `billingAddress.country`. */
export function compileField(
  spec: unknown,
  shape: Shape,
  name: string,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): Evaluate {
  if (shape.kind === 'GROUP') return compileGroup(spec, shape, name, at, ctx)
  if (shape.kind === 'REFERENCE') return compileReference(spec, shape, at, ctx)
  if (shape.kind === 'MINOR_UNITS') {
    const isExact = shape.typeName === 'EXACT_MINOR_UNITS'
    const money = compileMoney(spec, name, at, ctx, isExact)
    return (scope, issues) => money(scope, issues)?.minorUnits
  }
  return compileValue(spec, shape, name, at, ctx)
}

function compileValue(
  spec: unknown,
  shape: Shape,
  name: string,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): Evaluate {
  const options = isMap(spec) ? spec : {}
  const form = formOf(options.as, shape, at, ctx)
  const countryPaths =
    options.country === undefined ? [] : paths(options.country, [...at, 'country'], ctx)
  checkEnum(options, shape, at, ctx)
  const convert: Convert = FORMS[form]
  if (options.codes !== undefined && typeof options.codes !== 'string')
    ctx.fail([...at, 'codes'], 'codes: is the name of a code list')
  const codes = typeof options.codes === 'string' ? ctx.codes(options.codes) : null
  const missing = missingIn(shape, codes, ctx)
  const rule = compileRule(withoutKeys(spec, VALUE_KEYS), shape.list, at, ctx.fail, missing)
  // A list of countries or currencies has only unusual spellings; all others are parsed.
  const parse = form === 'country' ? parseCountry : form === 'currency' ? parseCurrency : () => null

  return (scope, issues) => {
    const report = (code: string, detail: string) => issues.push({ field: name, code, detail })
    const raw = rule(scope, report)
    if (raw.length === 0) return undefined
    const hints: Hints = {
      times: ctx.times,
      separator: ctx.separator,
      country: countryPaths.length > 0 ? countryOf(countryPaths, scope) : null,
    }
    const values: unknown[] = []
    for (const given of shape.list ? raw : raw.slice(0, 1)) {
      const hit = codes?.(given)
      if (hit && !hit.known && parse(dataText(given)) === null) {
        report(
          'UNKNOWN_CODE',
          `${show(given)} is not in the code list "${String(options.codes)}" of ${ctx.source}`,
        )
        continue
      }
      if (hit?.known && isEmpty(hit.value)) continue
      const value = hit?.known ? hit.value : given
      const made = convert(value, hints)
      if (made.problem) report(made.problem.code, made.problem.detail)
      if (!('value' in made) || isEmpty(made.value)) continue
      const checked = check(made.value, shape, report)
      if (checked !== undefined && !values.includes(checked)) values.push(checked)
    }
    if (!shape.list) return values[0]
    if (values.length > bounds.listValuesMax)
      report(
        'TOO_MANY_VALUES',
        `there are ${values.length} values; only the first ${bounds.listValuesMax} are used`,
      )
    return values.length > 0 ? values.slice(0, bounds.listValuesMax) : undefined
  }
}

/** Returns the tests for placeholders in a field; its own values and codes are none. */
export function missingIn(shape: Shape, codes: CodeList | null, ctx: FieldContext): Missing {
  const own = new Set(shape.values?.map((v) => v.toLowerCase()))
  const isOwn = (value: unknown) =>
    (own.size > 0 && own.has(dataText(value).trim().toLowerCase())) ||
    codes?.(value).listed === true
  return {
    whole: (value) => ctx.isPlaceholder(value, shape.placeholders.whole) && !isOwn(value),
    part: (value) => ctx.isPlaceholder(value, shape.placeholders.part),
  }
}

/** Checks a text or code against the field; returns undefined where it cannot be used. */
function check(
  value: unknown,
  shape: Shape,
  report: (code: string, detail: string) => void,
): unknown {
  if (shape.kind === 'ENUM') {
    const code = dataText(value)
    const known =
      shape.values?.find((v) => v === code) ?? shape.values?.find((v) => v === code.toUpperCase())
    if (!known) report('UNKNOWN_CODE', `${show(value)} is not one of ${shape.values?.join(', ')}`)
    return known
  }
  if (typeof value !== 'string') return value
  const charsMax = shape.compared ? bounds.comparedCharsMax : bounds.textCharsMax
  if (value.length > charsMax) {
    report('TOO_LONG', `the text has ${value.length} characters; at most ${charsMax} are allowed`)
    return undefined
  }
  if (value.includes('\ufffd'))
    report(
      'REPLACED_CHARACTER',
      'the value held NUL, a control code, a lone surrogate or invalid UTF-8, which was replaced',
    )
  return value
}

export function formOf(
  as: unknown,
  shape: Shape,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): Form {
  if (as === undefined) return shape.form
  const form = Object.keys(FORMS).find((f) => f === as) as Form | undefined
  if (!form)
    return ctx.fail(
      [...at, 'as'],
      `unknown form "${String(as)}"; allowed are ${Object.keys(FORMS).join(', ')}`,
    )
  const kinds: Partial<Record<Form, Shape['kind'][]>> = {
    number: ['FLOAT'],
    integer: ['INT', 'FLOAT'],
    boolean: ['BOOLEAN'],
  }
  const fits = kinds[form] ?? (form === 'date' ? ['DATE', 'STRING'] : ['STRING', 'ENUM'])
  if (!fits.includes(shape.kind))
    ctx.fail([...at, 'as'], `as: ${form} does not fit a field of type ${shape.typeName}`)
  return form
}

/** Checks that the values written in the mapping itself exist in the model. */
function checkEnum(
  options: Record<string, unknown>,
  shape: Shape,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): void {
  if (shape.kind !== 'ENUM') return
  const written: [readonly PropertyKey[], unknown][] = []
  if (isMap(options.map))
    for (const [code, v] of Object.entries(options.map)) written.push([[...at, 'map', code], v])
  if ('constant' in options) written.push([[...at, 'constant'], options.constant])
  if ('otherwise' in options) written.push([[...at, 'otherwise'], options.otherwise])
  for (const [where, value] of written)
    if (value !== null && !shape.values?.includes(String(value)))
      ctx.fail(
        where,
        `"${String(value)}" is not a value of ${shape.typeName}; allowed are ${shape.values?.join(', ')}`,
      )
}

function compileReference(
  spec: unknown,
  shape: Shape,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): Evaluate {
  if (!isMap(spec) || typeof spec.ref !== 'string' || spec.from === undefined)
    return ctx.fail(
      at,
      'a reference is written {ref: Object, from: path}; with source: for another source system',
    )
  for (const key of Object.keys(spec))
    if (!(REF_KEYS as readonly string[]).includes(key))
      ctx.fail(
        [...at, key],
        `unknown key "${key}" in a reference; allowed are ${REF_KEYS.join(', ')}`,
      )
  const elsewhere = spec.source !== undefined
  const target = elsewhere
    ? { object: spec.ref, as: shape.typeName }
    : ctx.target(spec.ref, [...at, 'ref'])
  if (target.as !== shape.typeName)
    ctx.fail(
      [...at, 'ref'],
      `the field refers to a ${shape.typeName}, but ${target.object} is mapped as ${target.as}`,
    )
  const source = elsewhere ? String(spec.source) : ctx.source
  const rule = compileRule(withoutKeys(spec, ['ref', 'source']), shape.list, at, ctx.fail)
  return (scope, issues) => {
    const given = rule(scope, () => {}).flatMap((v) => toText(v) ?? [])
    for (const id of given.filter(isRoundedId))
      issues.push({ field: shape.name, code: 'INVALID_ID', detail: roundedId(id) })
    const ids = given.filter((id) => !isRoundedId(id))
    const keys = ids.map((id) => recordKey(source, target.object, elsewhere ? id : ctx.idForm(id)))
    if (shape.list) return keys.length > 0 ? [...new Set(keys)] : undefined
    return keys[0]
  }
}

export const GROUP_KEYS = ['each', 'when'] as const

function compileGroup(
  spec: unknown,
  shape: Shape,
  name: string,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): Evaluate {
  const fields = shape.fields ?? []
  if (shape.typeName === 'Money') return compileMoney(spec, name, at, ctx)
  if (shape.typeName === EXACT_MONEY) return compileMoney(spec, name, at, ctx, true)
  if (!isMap(spec))
    return ctx.fail(
      at,
      `a ${shape.typeName} is written as a map of its fields: ${fields.map((f) => f.name).join(', ')}`,
    )
  const each = spec.each === undefined ? null : compileEach(spec.each, [...at, 'each'], ctx)
  const when =
    'when' in spec ? compileRule({ constant: true, when: spec.when }, false, at, ctx.fail) : null
  const parts: [string, Evaluate][] = []
  for (const [key, part] of Object.entries(spec)) {
    if ((GROUP_KEYS as readonly string[]).includes(key)) continue
    const field = fields.find((f) => f.name === key)
    if (!field)
      return ctx.fail(
        [...at, key],
        `unknown field "${key}" of ${shape.typeName}; it has ${fields.map((f) => f.name).join(', ')}`,
      )
    parts.push([key, compileField(part, field, `${name}.${key}`, [...at, key], ctx)])
  }
  const mapOne = (scope: Scope, issues: Issue[]): Record<string, unknown> | undefined => {
    const values = parts.map(([key, evaluate]) => [key, evaluate(scope, issues)] as const)
    const given = values.filter(([, value]) => value !== undefined)
    return given.length > 0 ? Object.fromEntries(given) : undefined
  }
  return (scope, issues) => {
    if (when && when(scope, () => {}).length === 0) return undefined
    if (!each) {
      const own = mapOne(scope, issues)
      return own && shape.list ? [own] : own
    }
    if (!shape.list) {
      for (const item of each(scope)) {
        const made = mapOne({ ...scope, item }, issues)
        if (made) return made
      }
      return undefined
    }
    const items = each(scope).flatMap((item) => mapOne({ ...scope, item }, issues) ?? [])
    if (items.length > bounds.listValuesMax)
      issues.push({
        field: name,
        code: 'TOO_MANY_VALUES',
        detail: `there are ${items.length} elements; only the first ${bounds.listValuesMax} are used`,
      })
    return items.length > 0 ? items.slice(0, bounds.listValuesMax) : undefined
  }
}

/**
 * Compiles the paths of `each:`. A list of groups has the elements of all paths; a single group is
 * made from the first element.
 */
function compileEach(
  spec: unknown,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): (scope: Scope) => unknown[] {
  const from = (Array.isArray(spec) ? spec : [spec]).map((text: unknown, i) =>
    typeof text === 'string'
      ? pathAt(text, Array.isArray(spec) ? [...at, i] : at, ctx.fail)
      : ctx.fail(at, 'each: is a path or a list of paths'),
  )
  return (scope) => from.flatMap((path) => path.all(scope))
}

function countryOf(from: Path[], scope: Scope): string | null {
  for (const path of from) {
    const value = path.first(scope)
    const code = typeof value === 'string' ? parseCountry(value) : null
    if (code) return code
  }
  return null
}

function paths(spec: unknown, at: readonly PropertyKey[], ctx: FieldContext): Path[] {
  return [spec]
    .flat()
    .map((text, i) =>
      typeof text === 'string'
        ? pathAt(text, [...at, i], ctx.fail)
        : ctx.fail(at, 'country: is a path or a list of paths'),
    )
}

export function withoutKeys(spec: unknown, keys: readonly string[]): unknown {
  if (!isMap(spec)) return spec
  return Object.fromEntries(Object.entries(spec).filter(([k]) => !keys.includes(k)))
}
