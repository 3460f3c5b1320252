import { type FieldDefinitionNode, Kind, type TypeNode } from 'graphql'
import type { OwnSubgraph } from './ownSubgraph.ts'
import { parseSdl } from './readSdl.ts'
import { fieldsOf, hasDirective } from './shippedGraph.ts'

/** Properties of the fields of own subgraphs that the gateway has to know. */
export interface OwnFields {
  /**
   * The maximum number of items of each list, by `Type.field`: the `assumedSize` of `@listSize`, but
   * at most `itemsMax` of the subgraph. A longer list is an error, so this bounds the cost.
   */
  listSizes: ReadonlyMap<string, number>
  /** Fields of Touchstone that own subgraphs have taken over. */
  overridden: ReadonlySet<string>
}

export function ownFields(own: readonly OwnSubgraph[]): OwnFields {
  const listSizes = new Map<string, number>()
  const overridden = new Set<string>()
  for (const { sdl, name, bounds } of own)
    for (const d of parseSdl(sdl, name).definitions)
      for (const f of fieldsOf(d)) {
        if (!('name' in d) || !d.name || hasDirective(f, 'external')) continue
        const coordinate = `${d.name.value}.${f.name.value}`
        if (isList(f.type))
          listSizes.set(coordinate, Math.min(sizeOf(f) ?? bounds.itemsMax, bounds.itemsMax))
        if (hasDirective(f, 'override')) overridden.add(coordinate)
      }
  return { listSizes, overridden }
}

function isList(type: TypeNode): boolean {
  return type.kind === Kind.NON_NULL_TYPE ? isList(type.type) : type.kind === Kind.LIST_TYPE
}

function sizeOf({ directives }: FieldDefinitionNode): number | undefined {
  const value = directives
    ?.find((d) => d.name.value === 'listSize')
    ?.arguments?.find((a) => a.name.value === 'assumedSize')?.value
  return value?.kind === Kind.INT ? Number(value.value) : undefined
}
