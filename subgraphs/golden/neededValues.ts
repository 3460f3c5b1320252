import {
  type FieldNode,
  type GraphQLResolveInfo,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import type { TypePolicy } from '../../schema/policy.ts'
import { declaredReads } from '../shared/declaredReads.ts'

/**
 * Results by selection, cached as long as its document. A plan has its own list of nodes for each
 * field of each type.
 */
const known = new WeakMap<readonly FieldNode[], readonly string[]>()

/**
 * Returns the fields of a connection's golden records that the selection does not read, so that
 * they are not fetched.
 */
export function unusedFields(type: TypePolicy, info: GraphQLResolveInfo): readonly string[] {
  let found = known.get(info.fieldNodes)
  if (!found) {
    const needed = neededValues(type, info)
    found = needed ? type.fields.map((f) => f.name).filter((name) => !needed.has(name)) : []
    known.set(info.fieldNodes, found)
  }
  return found
}

/**
 * Returns the fields that the selection reads, or null for all. Selections under @skip and @include
 * count.
 */
function neededValues(
  type: TypePolicy,
  { fieldNodes, fragments, schema }: GraphQLResolveInfo,
): Set<string> | null {
  const object = schema.getType(type.name)
  if (!isObjectType(object)) return null
  const fields = object.getFields()
  const needed = new Set<string>()
  let all = false

  const each = (
    set: SelectionSetNode | undefined,
    visit: (name: string, node: FieldNode) => void,
  ): void => {
    for (const node of set?.selections ?? [])
      if (node.kind === Kind.FIELD) visit(node.name.value, node)
      else
        each(
          node.kind === Kind.INLINE_FRAGMENT
            ? node.selectionSet
            : fragments[node.name.value]?.selectionSet,
          visit,
        )
  }
  const need = (name: string) => {
    const resolve = fields[name]?.resolve
    const names = resolve && declaredReads(resolve)
    if (resolve && !names) all = true
    for (const n of names ?? []) needed.add(n)
  }
  for (const { selectionSet } of fieldNodes)
    each(selectionSet, (name, { selectionSet }) => {
      if (name === 'nodes') each(selectionSet, need)
      if (name === 'edges')
        each(selectionSet, (of, node) => of === 'node' && each(node.selectionSet, need))
    })
  return all ? null : needed
}
