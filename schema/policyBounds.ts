import { GraphQLError, Lexer, type Source, TokenKind } from 'graphql'
import { PolicyError, placeOf } from './directives.ts'

/**
 * Bounds of a policy. Each is far above what an enterprise needs and far below what a gateway can
 * serve. They keep the work of reading, composing and compiling a policy small, that of a hostile
 * author too.
 */
export const POLICY_BOUNDS = {
  filesMax: 100,
  /** All files of the model together. */
  bytesMax: 262_144,
  fileNameCharsMax: 200,
  nameCharsMax: 100,
  /** A description, or any other text. */
  textCharsMax: 5_000,
  /** Brackets within brackets. */
  nestingMax: 12,
  goldenTypesMax: 40,
  /** Golden types, groups and enums. */
  typesMax: 200,
  fieldsPerTypeMax: 200,
  /** The fields of all golden types and groups. */
  fieldsMax: 1_000,
  valuesPerEnumMax: 500,
  directivesPerElementMax: 20,
  /** Items of a list in an argument. */
  listItemsMax: 100,
  /** Groups within groups. */
  groupDepthMax: 4,
  /** The fields of a golden type, with the parts of its groups counted wherever they occur. */
  partsMax: 1_000,
  /** All trained models of a policy together. */
  modelBytesMax: 64 * 2 ** 20,
} as const

const OPENING = new Set<TokenKind>([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L])
const CLOSING = new Set<TokenKind>([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R])

/**
 * Throws PolicyError for texts that are too large to parse. Nesting counts before parsing, because
 * the parser calls itself for each bracket.
 */
export function checkTexts(sources: readonly Source[]): void {
  const { filesMax, bytesMax, nestingMax, nameCharsMax, textCharsMax } = POLICY_BOUNDS
  const [first] = sources
  if (sources.length > filesMax)
    throw new PolicyError(
      `${first?.name}:1:1: the model has ${sources.length} files, at most ${filesMax} are read`,
    )
  let bytes = 0
  for (const source of sources) {
    bytes += Buffer.byteLength(source.body)
    if (bytes > bytesMax)
      throw new PolicyError(
        `${source.name}:1:1: the files of the model have more than ${bytesMax} bytes`,
      )
  }
  for (const source of sources) {
    let depth = 0
    for (const token of tokensOf(source)) {
      const refuse = (what: string): never => {
        throw new PolicyError(`${source.name}:${token.line}:${token.column}: ${what}`)
      }
      if (OPENING.has(token.kind)) depth++
      else if (CLOSING.has(token.kind)) depth--
      if (depth > nestingMax) refuse(`more than ${nestingMax} brackets within each other`)
      const chars = token.value?.length ?? 0
      if (token.kind === TokenKind.NAME && chars > nameCharsMax)
        refuse(`a name has ${chars} characters, at most ${nameCharsMax} are allowed`)
      if (
        (token.kind === TokenKind.STRING || token.kind === TokenKind.BLOCK_STRING) &&
        chars > textCharsMax
      )
        refuse(`a text has ${chars} characters, at most ${textCharsMax} are allowed`)
    }
  }
}

function* tokensOf(source: Source) {
  const lexer = new Lexer(source)
  try {
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance())
      yield token
  } catch (e) {
    throw syntaxError(e, source)
  }
}

/** Returns the error of the parser as a mistake in the policy. */
export function syntaxError(e: unknown, source: Source): unknown {
  if (!(e instanceof GraphQLError)) return e
  const [at] = e.locations ?? []
  return new PolicyError(`${placeOf(source.name, at?.line, at?.column)}${e.message}`)
}
