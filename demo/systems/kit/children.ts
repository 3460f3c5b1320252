import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Written } from './store.ts'

/** Records of `child` belong to the record of `parent` that their `field` names. */
export interface Relation {
  parent: string
  child: string
  field: string
}

export interface Child {
  object: string
  id: string
  field: string
}

/** Which records belong to which, kept from write to write. */
export class Children {
  readonly #relations: readonly Relation[]
  /** Children by `object id` of the parent, each by its place. */
  readonly #children = new Map<string, Map<string, Child>>()

  constructor(relations: readonly Relation[]) {
    this.#relations = relations
  }

  /** Follows a write: the child leaves its parent before, and a deleted child leaves for good. */
  follow({ object, id, action, record, before }: Written): void {
    for (const { parent, child, field } of this.#relations) {
      if (child !== object) continue
      const place = `${object} ${id} ${field}`
      const from = before && ownValue(before, field)
      const to = action === 'deleted' ? undefined : ownValue(record, field)
      if (typeof from === 'string' && from !== to)
        this.#children.get(`${parent} ${from}`)?.delete(place)
      if (typeof to !== 'string') continue
      const siblings = this.#children.get(`${parent} ${to}`) ?? new Map<string, Child>()
      this.#children.set(`${parent} ${to}`, siblings.set(place, { object, id, field }))
    }
  }

  /** Returns the children of a record that are not deleted. */
  of(object: string, id: string): Child[] {
    return [...(this.#children.get(`${object} ${id}`)?.values() ?? [])]
  }
}
