import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  parse,
  specifiedRules,
  type ValidationContext,
  type ValidationRule,
  validate,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { type DocumentTree, type Operation, operationNamed, readDocument } from './document.ts'

/** Maximum characters of all cached texts; their trees take up to a hundred times as much. */
const charsDefault = 2 ** 20

export interface DocumentCacheOptions<T> {
  schema: GraphQLSchema
  /** Maximum tokens of one document. */
  tokensMax: number
  /** Runs before validation; returns why a document is rejected, or null. */
  check: (tree: DocumentTree) => GraphQLError | null
  /** Rules beside those of the specification. */
  rules?: readonly ValidationRule[]
  /** Derives everything that requests need from a valid operation, once. */
  compile: (operation: Operation) => T
  /** Maximum characters of all cached texts. */
  charsMax?: number
}

/** A valid document. Each of its operations is compiled when it is first requested. */
export class CompiledDocument<T> {
  readonly #tree: DocumentTree
  readonly #compile: (operation: Operation) => T
  readonly #compiled = new Map<Operation, T>()

  constructor(tree: DocumentTree, compile: (operation: Operation) => T) {
    this.#tree = tree
    this.#compile = compile
  }

  /** Returns the operation of this name; without a name, the only one of the document. */
  operation(name: string | null | undefined): T | null {
    const operation = operationNamed(this.#tree, name)
    if (!operation) return null
    let compiled = this.#compiled.get(operation)
    if (compiled === undefined) {
      compiled = this.#compile(operation)
      this.#compiled.set(operation, compiled)
    }
    return compiled
  }
}

/**
 * Caches valid documents by their text, parsed and validated once. Rejected documents are not
 * cached: a caller that repeats one pays for it again, and evicts nothing.
 */
export class DocumentCache<T> {
  readonly #options: DocumentCacheOptions<T>
  readonly #documents: LRUCache<string, CompiledDocument<T>>

  constructor(options: DocumentCacheOptions<T>) {
    this.#options = options
    this.#documents = new LRUCache({
      maxSize: options.charsMax ?? charsDefault,
      sizeCalculation: (_document, text) => text.length,
    })
  }

  /**
   * Returns the document of a text, or its errors. `hideSuggestions` keeps names of the schema out
   * of the errors.
   */
  read(text: string, hideSuggestions: boolean): CompiledDocument<T> | readonly GraphQLError[] {
    const cached = this.#documents.get(text)
    if (cached) return cached
    const { schema, check, compile, rules = [] } = this.#options
    try {
      const node = this.#parse(text)
      const tree = readDocument(schema, node)
      const error = check(tree)
      if (error) return [error]
      const all = [...specifiedRules, ...rules]
      if (text.includes('__proto__')) all.push(rejectProto)
      const invalid = validate(schema, node, all, { hideSuggestions })
      if (invalid.length > 0) return invalid
      const document = new CompiledDocument(tree, compile)
      this.#documents.set(text, document)
      return document
    } catch (e) {
      if (e instanceof GraphQLError) return [e]
      if (!(e instanceof RangeError)) throw e
      // Values may nest as deeply as the tokens allow, which is more than the stack can hold.
      return [
        new GraphQLError('The operation nests too deeply', {
          extensions: { code: 'QUERY_TOO_DEEP' },
        }),
      ]
    }
  }

  #parse(text: string): DocumentNode {
    const { tokensMax } = this.#options
    try {
      return parse(text, { maxTokens: tokensMax })
    } catch (e) {
      if (!(e instanceof GraphQLError)) throw e
      const code = e.message.includes(`${tokensMax} tokens`)
        ? 'TOO_MANY_TOKENS'
        : 'GRAPHQL_PARSE_FAILED'
      throw new GraphQLError(e.message, {
        source: e.source,
        positions: e.positions,
        extensions: { code },
      })
    }
  }
}

/**
 * Rejects `__proto__` as a name that a caller chooses. Libraries behind the gateway, graphql-js
 * among them, store variables and results in plain objects, where a value under this name is lost.
 * Names within values are allowed.
 */
function rejectProto(context: ValidationContext): ASTVisitor {
  return {
    Name(node, _key, parent) {
      const isWithinValue = parent && 'kind' in parent && parent.kind === Kind.OBJECT_FIELD
      if (node.value !== '__proto__' || isWithinValue) return
      context.reportError(
        new GraphQLError(
          '"__proto__" cannot be the name of an alias, a variable, an operation or a fragment',
          {
            nodes: node,
          },
        ),
      )
    },
  }
}
