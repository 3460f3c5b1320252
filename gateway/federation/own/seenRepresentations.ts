import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { OwnDocument } from './ownDocument.ts'
import type { RawResult } from './post.ts'
import type { MaySee } from './readResult.ts'

/** The representations of one variable: how many there are, and which of them are sent. */
interface Sent {
  keys: readonly string[]
  total: number
  /** Indexes of those that are sent. */
  indexes: readonly number[]
}

/**
 * The variables of a fetch, without entities that the caller may not see: such an entity is not
 * sent to the subgraph, and has no fields in the result.
 */
export class SeenRepresentations {
  readonly variables: Readonly<Record<string, unknown>> | undefined
  readonly #sent: readonly Sent[]

  private constructor(
    variables: Readonly<Record<string, unknown>> | undefined,
    sent: readonly Sent[],
  ) {
    this.variables = variables
    this.#sent = sent
  }

  static async of(
    { representations }: OwnDocument,
    variables: Readonly<Record<string, unknown>> | undefined,
    maySee: MaySee | null,
  ): Promise<SeenRepresentations> {
    if (!maySee || representations.size === 0) return new SeenRepresentations(variables, [])
    const kept = new Map(Object.entries(variables ?? {}))
    const sent: Sent[] = []
    for (const [name, keys] of representations) {
      const all = ownValue(variables ?? {}, name)
      if (!Array.isArray(all)) continue
      const seen = await Promise.all(all.map((entity) => isSeen(entity, maySee)))
      const indexes = all.flatMap((_, n) => (seen[n] ? [n] : []))
      kept.set(
        name,
        indexes.map((n) => all[n]),
      )
      sent.push({ keys, total: all.length, indexes })
    }
    return new SeenRepresentations(Object.fromEntries(kept), sent)
  }

  /** True if the fetch is of entities only, and none of them is sent. */
  get isEmpty(): boolean {
    return this.#sent.length > 0 && this.#sent.every((s) => s.indexes.length === 0)
  }

  /** Returns the result of a fetch that is not sent. */
  nothing(): Record<string, unknown> {
    return Object.fromEntries(
      this.#sent.flatMap(({ keys, total }) =>
        keys.map((key) => [key, new Array(total).fill(null)]),
      ),
    )
  }

  /** Returns a response with each entity and error at the place of its representation. */
  restore(raw: RawResult): RawResult {
    if (this.#sent.length === 0) return raw
    const byKey = new Map(this.#sent.flatMap((s) => s.keys.map((key) => [key, s] as const)))
    const data = raw.data && {
      ...raw.data,
      ...Object.fromEntries(
        [...byKey].flatMap(([key, { total, indexes }]) => {
          const given = ownValue(raw.data ?? {}, key)
          if (!Array.isArray(given)) return []
          const all = new Array<unknown>(total).fill(null)
          for (const [n, index] of indexes.entries()) all[index] = given[n]
          return [[key, all]]
        }),
      ),
    }
    const errors = raw.errors.map((e) => {
      const [key, n, ...rest] = e.path ?? []
      const index = typeof n === 'number' ? byKey.get(String(key))?.indexes[n] : undefined
      return index === undefined ? e : { ...e, path: [key ?? '', index, ...rest] }
    })
    return { data, errors }
  }
}

async function isSeen(entity: unknown, maySee: MaySee): Promise<boolean> {
  const { __typename: type, id } = (entity ?? {}) as { __typename?: unknown; id?: unknown }
  return await maySee(String(type), typeof id === 'string' ? id : '')
}
