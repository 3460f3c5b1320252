import { type GraphQLSchema, parse, validate } from 'graphql'

/** A published operation, as schema checks use it. */
export interface OperationText {
  client: string
  hash: string
  names: readonly string[]
  text: string
}

/** An operation that was valid and no longer is. */
export interface BrokenOperation extends Omit<OperationText, 'text'> {
  reasons: string[]
}

/**
 * Returns the operations that are valid against `before` and invalid against `after`, with the
 * reasons.
 */
export function brokenOperations(
  operations: readonly OperationText[],
  before: GraphQLSchema,
  after: GraphQLSchema,
): BrokenOperation[] {
  return operations.flatMap(({ text, ...operation }) => {
    const document = parse(text)
    const reasons = validate(after, document).map((e) => e.message)
    return reasons.length > 0 && validate(before, document).length === 0
      ? [{ ...operation, reasons }]
      : []
  })
}
