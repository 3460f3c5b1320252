import { relative } from 'node:path'
import {
  type BinaryExpression,
  type CallExpression,
  type ElementAccessExpression,
  type Expression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { API, type Checker, type Type, TypeFlags } from 'typescript/unstable/sync'

/**
 * Types whose objects inherit nothing: our own, and those that graphql creates with
 * `Object.create(null)`. In an object of any other type a key from data may find an inherited
 * property.
 */
const INHERITS_NOTHING = /^(Dictionary|ObjMap|GraphQLFieldMap|GraphQLInputFieldMap)\b/

/**
 * A comment `// dictionary: …` in the same line or one above explains why no inherited property is
 * found or lost.
 */
const EXCEPTION = /\/\/ dictionary: \S/

interface Lookup {
  node: Node
  object: Expression
  /** Null if the whole object is copied. */
  key: Expression | null
}

/**
 * Finds where a plain object is used as a dictionary, by the types of the compiler: `object[key]`
 * and `key in object` with a key that may be any string, and `Object.assign` from an object with
 * any keys. Returns `file:line: text` of each. The compiler's API is marked as unstable, so the
 * version of TypeScript is pinned.
 */
export function dictionaryLookups(
  config: string,
  root: string,
  within: RegExp,
): { files: number; found: string[] } {
  const api = new API({ cwd: root })
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
    if (!project) throw new Error(`the compiler does not open ${config}`)
    const { checker, program } = project
    const names = program.getSourceFileNames().filter((name) => within.test(relative(root, name)))
    const found = names.flatMap((name) => {
      const file = program.getSourceFile(name)
      return file ? lookupsIn(file, checker).map((at) => `${relative(root, name)}:${at}`) : []
    })
    return { files: names.length, found }
  } finally {
    api.close()
  }
}

function lookupsIn(file: SourceFile, checker: Checker): string[] {
  const lookups: Lookup[] = []
  const visit = (node: Node): undefined => {
    const lookup = lookupOf(node, file)
    if (lookup) lookups.push(lookup)
    node.forEachChild(visit)
    return undefined
  }
  visit(file)
  if (lookups.length === 0) return []
  const lines = file.text.split('\n')
  const objects = checker.getTypeAtLocation(lookups.map((l) => l.object))
  const keys = checker.getTypeAtLocation(lookups.map((l) => l.key ?? l.object))
  return lookups.flatMap(({ node, key }, i) => {
    const object = objects[i] && checker.getNonNullableType(objects[i])
    const of = keys[i]
    if (!object || !of) return []
    const anyKey = key === null ? hasAnyKeys(object, checker) : isAnyString(of, checker)
    if (!anyKey || INHERITS_NOTHING.test(checker.typeToString(object))) return []
    const line = file.text.slice(0, node.getStart(file)).split('\n').length
    const above = lines[line - 2]?.trim() ?? ''
    if (EXCEPTION.test(lines[line - 1] ?? '') || (above.startsWith('//') && EXCEPTION.test(above)))
      return []
    return [`${line}: ${node.getText(file).replace(/\s+/g, ' ')}`]
  })
}

function lookupOf(node: Node, file: SourceFile): Lookup | null {
  if (node.kind === SyntaxKind.ElementAccessExpression) {
    const { expression, argumentExpression } = node as ElementAccessExpression
    return { node, object: expression, key: argumentExpression }
  }
  if (node.kind === SyntaxKind.BinaryExpression) {
    const { left, operatorToken, right } = node as BinaryExpression
    return operatorToken.kind === SyntaxKind.InKeyword ? { node, object: right, key: left } : null
  }
  if (node.kind === SyntaxKind.CallExpression) {
    const { expression, arguments: given } = node as CallExpression
    const source = given[1]
    return source && expression.getText(file) === 'Object.assign'
      ? { node, object: source, key: null }
      : null
  }
  return null
}

/** Returns true if a key of this type may be any text. A union of literals and a number may not. */
function isAnyString(type: Type, checker: Checker): boolean {
  if (type.flags & (TypeFlags.String | TypeFlags.AnyOrUnknown)) return true
  if (
    type.flags &
    (TypeFlags.StringOrNumberLiteralOrUnique | TypeFlags.Number | TypeFlags.ESSymbol)
  )
    return false
  const bound = checker.getBaseConstraintOfType(type) ?? type
  return checker.isTypeAssignableTo(checker.getStringType(), bound)
}

function hasAnyKeys(type: Type, checker: Checker): boolean {
  return checker.getIndexInfosOfType(type).some((info) => isAnyString(info.keyType, checker))
}
