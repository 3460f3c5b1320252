import { NotUnique, type Written } from './writes.ts'

type Fields = Record<string, unknown>

/** Returns the value that a record has in a field; undefined if it has none. */
export type ReadValue = (record: Fields, field: string) => unknown

/** Fields of which no two records have the same value. A deleted record has no value. */
export class UniqueValues {
  readonly #fields: ReadonlyMap<string, readonly string[]>
  readonly #read: ReadValue
  readonly #normalise: (value: string) => string
  readonly #ids = new Map<string, string>()

  constructor(
    /** Fields by object. */
    fields: ReadonlyMap<string, readonly string[]>,
    read: ReadValue,
    normalise = (value: string) => value,
  ) {
    this.#fields = fields
    this.#read = read
    this.#normalise = normalise
  }

  has(object: string, field: string): boolean {
    return this.#fields.get(object)?.includes(field) ?? false
  }

  /** Returns the id of the record that has a value. */
  find(object: string, field: string, value: string): string | undefined {
    return this.#ids.get(this.#place(object, field, value))
  }

  /** Throws `NotUnique` if another record has one of the values of a record. */
  check(object: string, id: string, record: Fields): void {
    for (const [field, value] of this.#values(object, record)) {
      const other = this.find(object, field, value)
      if (other !== undefined && other !== id) throw new NotUnique(object, field, value, other)
    }
  }

  follow({ object, id, action, record, before }: Written): void {
    for (const [field, value] of this.#values(object, before)) {
      const place = this.#place(object, field, value)
      if (this.#ids.get(place) === id) this.#ids.delete(place)
    }
    if (action === 'deleted') return
    for (const [field, value] of this.#values(object, record))
      this.#ids.set(this.#place(object, field, value), id)
  }

  #values(object: string, record: Fields | undefined): [field: string, value: string][] {
    if (!record) return []
    return (this.#fields.get(object) ?? []).flatMap((field): [string, string][] => {
      const value = this.#read(record, field)
      return typeof value === 'string' && value !== '' ? [[field, value]] : []
    })
  }

  #place(object: string, field: string, value: string): string {
    return `${object} ${field} ${this.#normalise(value)}`
  }
}
