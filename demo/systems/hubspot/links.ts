import { type AssociationType, associationTypes } from './associationTypes.ts'

/** Which records are associated. An association is seen from both of its ends. */
export class Links {
  /** Ids at the other end, by object, id and object of the other end; the first one is primary. */
  readonly #targets = new Map<string, string[]>()

  /** Replaces what a record is associated with in one other object. */
  set(object: string, id: string, other: string, targets: readonly string[]): void {
    if (associationTypes(object, other, false).length === 0)
      throw new Error(`${object} cannot be associated with ${other}`)
    for (const target of this.of(object, id, other)) this.#remove(other, target, object, id)
    this.#targets.set(place(object, id, other), [...targets])
    for (const target of targets) {
      const reverse = place(other, target, object)
      this.#targets.set(reverse, [...(this.#targets.get(reverse) ?? []), id])
    }
  }

  of(object: string, id: string, other: string): readonly string[] {
    return this.#targets.get(place(object, id, other)) ?? []
  }

  /** Returns the types of one association. */
  types(object: string, id: string, other: string, target: string): AssociationType[] {
    const isPrimary =
      object === 'companies'
        ? this.of(other, target, object)[0] === id
        : this.of(object, id, other)[0] === target
    return associationTypes(object, other, isPrimary)
  }

  /** Gives the associations of one record to another of the same object, as a merge does. */
  move(object: string, from: string, to: string, others: readonly string[]): void {
    for (const other of others) {
      for (const target of [...this.of(object, from, other)]) {
        const back = this.of(other, target, object)
        const replaced = back.map((id) => (id === from ? to : id))
        this.set(other, target, object, [...new Set(replaced)])
      }
    }
  }

  #remove(object: string, id: string, other: string, target: string): void {
    const key = place(object, id, other)
    this.#targets.set(
      key,
      this.of(object, id, other).filter((found) => found !== target),
    )
  }
}

const place = (object: string, id: string, other: string) => `${object} ${id} ${other}`
