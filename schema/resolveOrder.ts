import type { ObjectTypeDefinitionNode } from 'graphql'
import { fail } from './directives.ts'
import type { TypePolicy } from './policy.ts'

/** Sorts types after those they compare by reference. Throws PolicyError for a circle. */
export function resolveOrder(
  types: TypePolicy[],
  objects: Map<string, ObjectTypeDefinitionNode>,
): TypePolicy[] {
  const done: TypePolicy[] = []
  let rest = [...types].sort(
    (a, b) => ORDER_HINT.indexOf(a.name) - ORDER_HINT.indexOf(b.name) || (a.name < b.name ? -1 : 1),
  )
  while (rest.length > 0) {
    const next = rest.find((t) =>
      t.resolvesAfter.every((a) => a === t.name || done.some((d) => d.name === a)),
    )
    const first = rest[0]
    if (!next && first)
      fail(
        objects.get(first.name),
        `${rest.map((t) => t.name).join(' and ')} compare each other by REFERENCE: one must resolve first`,
      )
    if (!next) break
    if (next.resolvesAfter.includes(next.name))
      fail(
        objects.get(next.name),
        `${next.name} compares itself by REFERENCE: it would have to resolve before itself`,
      )
    done.push(next)
    rest = rest.filter((t) => t !== next)
  }
  return done
}

/** Types that do not depend on each other need the same order everywhere, whichever it is. */
const ORDER_HINT = ['Contract', 'Contact', 'Product', 'Customer'].reverse()
