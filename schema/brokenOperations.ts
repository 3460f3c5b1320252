import { type GraphQLSchema, parse, validate } from 'graphql'

/** A published operation, as far as a schema is concerned. */
export interface OperationText {
  client: string
  hash: string
  names: readonly string[]
  text: string
}

/** One that was sound and no longer is. */
export interface BrokenOperation extends Omit<OperationText, 'text'> {
  reasons: string[]
}

/** Those that `before` answers and `after` would refuse, with the reasons; who was refused already is not named. */
export function brokenOperations(
  operations: readonly OperationText[],
  before: GraphQLSchema,
  after: GraphQLSchema,
): BrokenOperation[] {
  return operations.flatMap(({ text, ...operation }) => {
    const document = parse(text)
    const reasons = validate(after, document).map((e) => e.message)
    return reasons.length > 0 && validate(before, document).length === 0 ? [{ ...operation, reasons }] : []
  })
}
