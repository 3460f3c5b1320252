import type { Policy } from '../../schema/policy.ts'

/** Leaves out of what was asked for, wherever it is kept, the values of fields that the caller's scopes do not reach. */
export function visibleInput(policy: Policy, input: unknown, scopes: ReadonlySet<string>): unknown {
  const hidden = new Set(
    policy.types.flatMap((t) => t.fields.filter((f) => f.sensitive && !scopes.has(f.sensitive)).map((f) => f.name)),
  )
  return hidden.size === 0 ? input : strip(input)

  function strip(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(strip)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value as Record<string, unknown>)
    const secret = entries.some(([name, v]) => name === 'field' && hidden.has(String(v)))
    return Object.fromEntries(entries.filter(([name]) => !(secret && name === 'value')).map(([n, v]) => [n, strip(v)]))
  }
}
