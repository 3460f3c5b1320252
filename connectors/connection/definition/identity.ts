import { failAt, type Located } from '../../mapping/document.ts'
import { compileIds, compileMoments } from '../../mapping/identity.ts'
import type { Scope } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'

/** The placeholders of one record's id: whole, and its parts where it is joined. */
export const idNames = ['id', 'id.1', 'id.2', 'id.3', 'id.4']

/** Compiles `id:` as in a mapping: a path, alternatives, or {join: [paths], with: "-"}. */
export function compileIdOf(place: Located): (scope: Scope) => string | null {
  return compileIds(place.value, place.path, failIn(place), (id) => id)
}

/** Compiles `version:` as in a mapping; microseconds since 1970. */
export function compileMomentOf(
  place: Located,
  zone: string | null = null,
): (scope: Scope) => bigint | null {
  return compileMoments(place.value, place.path, failIn(place), { dates: null, zone }, () => false)
}

/** How a joined id is written: the text between its parts, and their number. */
export interface JoinedId {
  separator: string
  parts: number
}

/** Returns how an id is joined; null for an id of one part. */
export function joinedIdOf(id: unknown): JoinedId | null {
  const [one] = [id].flat()
  if (!isMap(one)) return null
  const parts = Array.isArray(one.join) ? one.join.length : 1
  return { separator: typeof one.with === 'string' ? one.with : '-', parts }
}

function failIn(place: Located) {
  return (path: readonly PropertyKey[], message: string): never =>
    failAt({ ...place, path }, message)
}
