/**
 * Reads parameters strictly: each name must be read by the model, at most once sent, and well
 * formed. `refuse` makes the vendor's error.
 */
export class Query {
  readonly #pairs: readonly (readonly [name: string, value: string])[]
  readonly #read = new Set<string>()
  readonly #refuse: (name: string, problem: Problem) => Error

  constructor(params: URLSearchParams, refuse: (name: string, problem: Problem) => Error) {
    this.#pairs = [...params]
    this.#refuse = refuse
  }

  text(name: string): string | undefined {
    const values = this.texts(name)
    if (values.length > 1) throw this.#refuse(name, 'repeated')
    return values[0]
  }

  texts(name: string): string[] {
    this.#read.add(name)
    return this.#pairs.filter((pair) => pair[0] === name).map((pair) => pair[1])
  }

  /** Returns a whole number between the bounds; `absent` if the parameter is not sent. */
  integer(name: string, min: number, max: number, absent: number): number {
    const text = this.text(name)
    if (text === undefined) return absent
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw this.#refuse(name, 'invalid')
    return value
  }

  flag(name: string): boolean | undefined {
    return this.oneOf(name, ['true', 'false']) && this.text(name) === 'true'
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const found = values.find((value) => value === text)
    if (found === undefined) throw this.#refuse(name, 'invalid')
    return found
  }

  /** Returns the names that match a pattern, and their values; `end` then accepts them. */
  matching(pattern: RegExp): { match: RegExpExecArray; name: string; value: string }[] {
    return this.#pairs.flatMap(([name, value]) => {
      const match = pattern.exec(name)
      if (match) this.#read.add(name)
      return match ? [{ match, name, value }] : []
    })
  }

  invalid(name: string): Error {
    return this.#refuse(name, 'invalid')
  }

  /** Throws if a parameter was sent that nothing has read. */
  end(): void {
    const unread = this.#pairs.find(([name]) => !this.#read.has(name))
    if (unread) throw this.#refuse(unread[0], 'unknown')
  }
}

export type Problem = 'unknown' | 'repeated' | 'invalid'
