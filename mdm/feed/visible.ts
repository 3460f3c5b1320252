import type { Policy } from '../../schema/policy.ts'

type Values = Record<string, unknown>

/**
 * Leaves out of golden values what the caller's scopes do not reach, fields within groups included: the same rule as
 * for the fields of queries.
 */
export function visibleValues(policy: Policy): (type: string, values: Values, scopes: ReadonlySet<string>) => Values {
  const hiding = new Map(
    policy.types.map((t) => [
      t.name,
      t.fields.map((f) => ({
        name: f.name,
        scope: f.sensitive,
        inner: (policy.groups.get(f.typeName)?.fields ?? []).filter((g) => g.sensitive),
      })),
    ]),
  )
  // One event goes to many subscribers, most of them with the same scopes.
  const known = new WeakMap<ReadonlySet<string>, WeakMap<Values, Values>>()
  const select = (type: string, values: Values, scopes: ReadonlySet<string>): Values => {
    const hidden = (scope: string | undefined) => scope !== undefined && !scopes.has(scope)
    const visible: Values = {}
    const fields = new Map(hiding.get(type)?.map((f) => [f.name, f]))
    for (const [name, value] of Object.entries(values)) {
      const field = fields.get(name)
      // A field that the policy no longer has: nobody can say any more who may see it.
      if (!field || hidden(field.scope)) continue
      const inner = new Set(field.inner.filter((g) => hidden(g.sensitive)).map((g) => g.name))
      visible[name] = inner.size === 0 ? value : without(value, inner)
    }
    return visible
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

/** The scopes that somebody needs to see every field. */
export function sensitiveScopes(policy: Policy): Set<string> {
  const own = [...policy.types, ...policy.groups.values()].flatMap((t) => t.fields.map((f) => f.sensitive))
  return new Set(own.filter((s) => s !== undefined))
}

function without(value: unknown, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((v) => without(v, names))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)))
}
