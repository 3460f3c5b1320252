import { createContext, useContext } from 'react'
import { RIGHTS } from './rights.generated.ts'
import type { ViewerQuery } from './viewer.generated.ts'

export type Viewer = NonNullable<ViewerQuery['viewer']>
/** A root field of the graph, for example `Mutation.mergeRecords`. */
export type RootField = keyof typeof RIGHTS

/** Every scope that a root field may need. */
export const SCOPES = [...new Set(Object.values(RIGHTS).flat(2))].sort()

export const ViewerContext = createContext<Viewer | null>(null)

export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext)
  if (!viewer) throw new Error('screens are shown after the sign-in only')
  return viewer
}

/**
 * Returns why the graph would refuse a root field to the viewer, or null if it would not. An action
 * of a steward also needs a duty, for example MERGE.
 */
export function refusalOf(viewer: Viewer, field: RootField, duty?: string): string | null {
  const held = new Set(viewer.scopes)
  const ways: readonly (readonly string[])[] = RIGHTS[field]
  if (!ways.some((scopes) => scopes.every((s) => held.has(s))))
    return `Needs the right ${ways.map((scopes) => scopes.join(' and ')).join(', or ')}`
  if (duty && !viewer.duties.includes(duty)) return `No role of yours allows ${duty}`
  return null
}

export function useRefusal(field: RootField, duty?: string): string | null {
  return refusalOf(useViewer(), field, duty)
}
