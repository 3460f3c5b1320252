import { GOLDEN_TYPES } from './goldenTypes.generated.ts'
import { TITLES } from './titlesOperation.ts'
import { useQuery } from './useQuery.ts'

/** The name of a golden record, and its type. Null: it has none that the caller may see. */
export interface Titled {
  id: string
  type: string
  title: string | null
}

/** Ids of one request. */
const idsMax = 200

/** Returns the names of golden records by the ids that were asked for. */
export function useTitles(ids: readonly string[]): ReadonlyMap<string, Titled> {
  const asked = [...new Set(ids)].sort().slice(0, idsMax)
  const { data } = useQuery(TITLES, asked.length > 0 ? { ids: asked } : null)
  const found = new Map<string, Titled>()
  for (const node of data?.nodes ?? [])
    if (node) {
      const n = GOLDEN_TYPES.findIndex((t) => t.name === node.__typename)
      found.set(node.id, {
        id: node.id,
        type: node.__typename,
        title: node[`title${n}`] ?? null,
      })
    }
  return found
}
