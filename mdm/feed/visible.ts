import type { ChangeEvent } from '../../schema/events.ts'
import { visibleChanges } from '../../schema/hiddenFields.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { masked } from '../../schema/masked.ts'
import { fieldsOf, OPERATIONAL_SCOPE, OPERATIONAL_TYPES } from '../../schema/operational.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'

type Values = Record<string, unknown>
type Shown = (value: unknown) => unknown

/**
 * Returns a function that removes the golden values that the caller's scopes do not cover, or masks
 * them, fields within groups included. The rule is that of queries.
 */
export function visibleValues(
  policy: Policy,
): (type: string, values: Values, scopes: ReadonlySet<string>) => Values {
  // Per set of scopes and type: how each field is shown; null shows the field unchanged.
  const plans = new WeakMap<ReadonlySet<string>, Map<string, Map<string, Shown | null>>>()
  const planOf = (type: string, scopes: ReadonlySet<string>) => {
    let plan = plans.get(scopes)
    if (!plan) {
      const hidden = (scope: string | undefined) => scope !== undefined && !scopes.has(scope)
      const inner = (group: string) => {
        const fields = (policy.groups.get(group)?.fields ?? []).filter((g) => hidden(g.sensitive))
        const names = new Map(fields.map((g) => [g.name, g]))
        return fields.length === 0 ? null : (value: unknown) => withoutParts(value, names)
      }
      plan = new Map([
        ...OPERATIONAL_TYPES.map((t): [string, Map<string, Shown | null>] => [
          t,
          new Map(scopes.has(OPERATIONAL_SCOPE) ? fieldsOf(t).map(([name]) => [name, null]) : []),
        ]),
        ...policy.types.map((t): [string, Map<string, Shown | null>] => [
          t.name,
          new Map(
            t.fields.flatMap((f): [string, Shown | null][] => {
              if (!hidden(f.sensitive)) return [[f.name, inner(f.typeName)]]
              return f.mask ? [[f.name, (value) => masked(f, value)]] : []
            }),
          ),
        ]),
      ])
      plans.set(scopes, plan)
    }
    return plan.get(type)
  }
  // One event goes to many subscribers, most of them with equal scopes.
  const known = new WeakMap<ReadonlySet<string>, WeakMap<Values, Values>>()
  const select = (type: string, values: Values, scopes: ReadonlySet<string>): Values => {
    const plan = planOf(type, scopes)
    return Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) => {
        const shown = plan?.get(name)
        // A field that the policy no longer has stays hidden: its rights are unknown.
        return shown === undefined ? [] : [[name, shown === null ? value : shown(value)]]
      }),
    )
  }
  return (type, values, scopes) => {
    let seen = known.get(scopes)
    if (!seen) {
      seen = new WeakMap()
      known.set(scopes, seen)
    }
    let visible = seen.get(values)
    if (!visible) {
      visible = select(type, values, scopes)
      seen.set(values, visible)
    }
    return visible
  }
}

/**
 * Returns a function that removes from an event what the scopes do not cover: values before and
 * after, and the names of changed fields.
 */
export function visibleEvent(
  policy: Policy,
): (event: ChangeEvent, scopes: ReadonlySet<string>) => ChangeEvent {
  const visible = visibleValues(policy)
  return (event, scopes) => ({
    ...event,
    before: event.before && visible(event.type, event.before, scopes),
    after: event.after && visible(event.type, event.after, scopes),
    changedFields: visibleChanges(policy, event.type, event.changedFields, scopes),
  })
}

/**
 * Returns a function that lists the non-empty sensitive fields of values that the scopes cover,
 * fields within groups included.
 */
export function sensitiveFields(
  policy: Policy,
): (type: string, values: Values | null, scopes: ReadonlySet<string>) => string[] {
  const fields = new Map(
    policy.types.map((t) => [
      t.name,
      t.fields.flatMap((f) => {
        const inner = policy.groups.get(f.typeName)?.fields ?? []
        const needed = [f.sensitive, ...inner.map((g) => g.sensitive)].filter(
          (s) => s !== undefined,
        )
        return needed.length > 0 ? [{ name: f.name, needed }] : []
      }),
    ]),
  )
  return (type, values, scopes) =>
    (values ? (fields.get(type) ?? []) : [])
      .filter(
        ({ name, needed }) =>
          (ownValue(values ?? {}, name) ?? null) !== null && needed.some((s) => scopes.has(s)),
      )
      .map((f) => f.name)
}

/** Returns the scopes needed to see every field. */
export function sensitiveScopes(policy: Policy): Set<string> {
  const own = [...policy.types, ...policy.groups.values()].flatMap((t) =>
    t.fields.map((f) => f.sensitive),
  )
  return new Set(own.filter((s) => s !== undefined))
}

/** Returns a group, or a list of them, without its hidden parts or with their masks. */
export function withoutParts(value: unknown, hidden: ReadonlyMap<string, FieldPolicy>): unknown {
  if (Array.isArray(value)) return value.map((v) => withoutParts(v, hidden))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => {
      const field = hidden.get(name)
      if (!field) return [[name, part]]
      return field.mask ? [[name, masked(field, part)]] : []
    }),
  )
}
