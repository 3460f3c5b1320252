import { createRequest, type DocumentInput, stringifyDocument } from '@urql/core'

/** The text of an operation, with the types of its result and its variables. */
export type Operation<Result, Variables> = DocumentInput<Result, Variables>

/** Returns the text as it is sent: by its hash a gateway knows it (cli/server/consoleOperations.ts). */
export function sentText(operation: string | Operation<unknown, never>): string {
  return stringifyDocument(createRequest(operation as DocumentInput, {}).query)
}
