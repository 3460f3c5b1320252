import { isDeepStrictEqual } from 'node:util'
import type { Quality } from '../../mdm/golden/read/quality.ts'
import type { VersionDiff } from '../../mdm/stewardship/versions.ts'
import { hiddenFields } from '../../schema/hiddenFields.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { maskedValue, sensitiveOf } from '../golden/mask.ts'
import type { RequestContext } from '../shared/context.ts'

/**
 * Returns a stored input without the values of fields that the caller may not see with every part.
 * The rights of a field that the policy no longer has are unknown, so it counts as hidden.
 */
export function visibleInput(policy: Policy, input: unknown, scopes: ReadonlySet<string>): unknown {
  const hidden = new Set(policy.types.flatMap((t) => [...hiddenFields(policy, t, scopes)]))
  const known = new Set(policy.types.flatMap((t) => t.fields.map((f) => f.name)))
  return hidden.size === 0 ? input : strip(input)

  function strip(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(strip)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value as Record<string, unknown>)
    const secret = entries.some(
      ([name, v]) => name === 'field' && (hidden.has(String(v)) || !known.has(String(v))),
    )
    return Object.fromEntries(
      entries.filter(([name]) => !(secret && name === 'value')).map(([n, v]) => [n, strip(v)]),
    )
  }
}

/**
 * Returns measures of quality without those of fields that the caller may not see: how many values
 * of a source system differ reveals whether a value that the caller brought about equals one.
 */
export function visibleQuality(
  quality: Quality,
  policy: Policy,
  type: TypePolicy,
  scopes: ReadonlySet<string>,
): Quality {
  const hidden = hiddenFields(policy, type, scopes)
  const isShown = ({ field }: { field: string }) => !hidden.has(field)
  return {
    ...quality,
    fields: quality.fields.filter(isShown),
    systems: quality.systems.map((s) => ({ ...s, drift: s.drift.filter(isShown) })),
  }
}

/**
 * Returns the differences of two versions that the caller may see, and records the sensitive fields
 * that they show.
 */
export function visibleDifferences(
  policy: Policy,
  type: TypePolicy,
  fields: readonly VersionDiff[],
  context: RequestContext,
  goldenId: string,
): VersionDiff[] {
  const { scopes } = context
  const hidden = hiddenFields(policy, type, scopes)
  const names = fields.map((f) => f.field)
  const seen = sensitiveOf(type).filter((f) => names.includes(f) && !hidden.has(f))
  context.shows('HISTORY', type.name, seen, goldenId)
  // That a hidden field differs is hidden too, unless its masks differ.
  return fields.flatMap((f) => {
    if (!hidden.has(f.field)) return [f]
    const [before, after] = [f.before, f.after].map((v) =>
      maskedValue(policy, type, f.field, v, scopes),
    )
    return isDeepStrictEqual(before, after) ? [] : [{ field: f.field, before, after }]
  })
}

/**
 * Returns the visible part of an input, and records the sensitive fields that it shows; `ids` are
 * its records.
 */
export function shownInput(
  policy: Policy,
  input: unknown,
  context: RequestContext,
  ids: readonly string[],
): unknown {
  const shown = visibleInput(policy, input, context.scopes)
  const named = new Set(fieldsWithValue(shown))
  for (const type of policy.types) {
    const fields = type.fields.filter((f) => f.sensitive && named.has(f.name)).map((f) => f.name)
    for (const id of ids.length > 0 ? ids : [null])
      context.shows('STEWARDSHIP', type.name, fields, id)
  }
  return shown
}

function fieldsWithValue(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsWithValue)
  if (typeof value !== 'object' || value === null) return []
  const { field, value: own } = value as { field?: unknown; value?: unknown }
  const inner = Object.values(value).flatMap(fieldsWithValue)
  return typeof field === 'string' && (own ?? null) !== null ? [field, ...inner] : inner
}
