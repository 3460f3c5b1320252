/** Something read from the table that can be read again. */
export interface Page {
  bytes: number
}

/**
 * Cache of the table pages that subscribers behind the ring have read, shared and bounded: past
 * `bytesMax` the least recently used page is dropped, and its reader reads it again when it
 * continues. So a consumer that does not read costs only a position. Concurrent requests for one
 * page share one read.
 */
export class Pages<T extends Page> {
  readonly #pages = new Map<string, T>()
  readonly #reading = new Map<string, Promise<T>>()
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  async get(key: string, read: () => Promise<T>): Promise<T> {
    const found = this.#pages.get(key)
    if (found) {
      // Maps keep the order of insertion: the first is the longest unused.
      this.#pages.delete(key)
      this.#pages.set(key, found)
      return found
    }
    const underway = this.#reading.get(key)
    if (underway) return underway
    const reading = read()
    this.#reading.set(key, reading)
    try {
      const page = await reading
      this.#put(key, page)
      return page
    } finally {
      this.#reading.delete(key)
    }
  }

  drop(key: string): void {
    const page = this.#pages.get(key)
    if (!page) return
    this.#pages.delete(key)
    this.#bytes -= page.bytes
  }

  #put(key: string, page: T): void {
    this.drop(key)
    this.#pages.set(key, page)
    this.#bytes += page.bytes
    // The page just read stays even if it alone is over the bound: its reader needs it now.
    for (const old of this.#pages.keys()) {
      if (this.#bytes <= this.#bytesMax || old === key) break
      this.drop(old)
    }
  }
}
