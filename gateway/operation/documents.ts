import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql'
import { boundsError, type QueryBounds } from '../limits/bounds.ts'

/** Characters of all texts that are kept; their trees take a hundred times as much at most. */
const charsMax = 2 ** 20

/**
 * Documents that were read and found sound before, by their text. What is refused is not kept: whoever sends it pays for it
 * again, and it takes nobody's place.
 */
export class Documents {
  readonly #bounds: QueryBounds
  readonly #charsMax: number
  /** The one that was asked for longest ago stands first. */
  readonly #known = new Map<string, DocumentNode>()
  #chars = 0

  constructor(bounds: QueryBounds, max = charsMax) {
    this.#bounds = bounds
    this.#charsMax = max
  }

  /** The document of a text, or what is wrong with it. */
  read(schema: GraphQLSchema, text: string): DocumentNode | readonly GraphQLError[] {
    const known = this.#known.get(text)
    if (known) {
      this.#known.delete(text)
      this.#known.set(text, known)
      return known
    }
    try {
      const document = this.#parse(text)
      const error = boundsError(document, this.#bounds)
      if (error) return [error]
      const invalid = validate(schema, document)
      if (invalid.length > 0) return invalid
      this.#keep(text, document)
      return document
    } catch (e) {
      if (e instanceof GraphQLError) return [e]
      if (!(e instanceof RangeError)) throw e
      // Values may nest as deeply as the tokens allow, and the stack is shorter.
      return [new GraphQLError('The operation nests too deeply', { extensions: { code: 'QUERY_TOO_DEEP' } })]
    }
  }

  #parse(text: string): DocumentNode {
    const { tokensMax } = this.#bounds
    try {
      return parse(text, { maxTokens: tokensMax })
    } catch (e) {
      if (!(e instanceof GraphQLError)) throw e
      const code = e.message.includes(`${tokensMax} tokens`) ? 'TOO_MANY_TOKENS' : 'GRAPHQL_PARSE_FAILED'
      throw new GraphQLError(e.message, { source: e.source, positions: e.positions, extensions: { code } })
    }
  }

  #keep(text: string, document: DocumentNode): void {
    this.#known.set(text, document)
    this.#chars += text.length
    for (const oldest of this.#known.keys()) {
      if (this.#chars <= this.#charsMax) break
      this.#known.delete(oldest)
      this.#chars -= oldest.length
    }
  }
}
