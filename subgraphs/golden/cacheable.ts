import { parentField } from '../../mdm/golden/parentField.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'
import type { CacheableGraph } from '../contract.ts'
import { groupsOf, listName, lookupName, references } from './model.ts'

/**
 * Returns the cacheable part of the graph: golden values, their references and lists. Source
 * records, provenance, history and aliases are excluded: they may change without their golden
 * record. Fields that depend on operational objects are excluded too. Sensitive fields are excluded
 * because each read of them is recorded.
 */
export function cacheableGraph(policy: Policy): CacheableGraph {
  const types = policy.types.map((t) => t.name)
  const fields = new Set<string>()
  const add = (type: string, ...names: string[]) => {
    for (const name of names) fields.add(`${type}.${name}`)
  }
  for (const t of policy.types) {
    add(
      t.name,
      'id',
      'version',
      'createdAt',
      'updatedAt',
      'redirectedFrom',
      ...openFields(t.fields),
    )
    add('Query', lookupName(t.name), listName(t.name))
    add(`${t.name}Connection`, 'nodes', 'edges', 'pageInfo', 'totalCount')
    add(`${t.name}Edge`, 'cursor', 'node')
  }
  for (const r of references(policy)) add(r.to, r.reverse)
  for (const g of groupsOf(policy, policy.types))
    add(g, ...openFields(policy.groups.get(g)?.fields ?? []))
  add('Money', 'minorUnits', 'currency', 'decimal')
  add('PageInfo', 'hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor')
  return {
    types: new Set(types),
    fields,
    // A parent is left out when it closes a ring, however far up the hierarchy that happens.
    wholeTypes: new Set(
      policy.types.flatMap((t) => {
        const field = parentField(t)
        return field === undefined ? [] : [`${t.name}.${field}`]
      }),
    ),
    volatileInputs: new Set(['SourceFilter']),
  }
}

function openFields(fields: readonly FieldPolicy[]): string[] {
  return fields.filter((f) => !f.sensitive).map((f) => f.name)
}
