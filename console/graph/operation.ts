import type { DocumentInput } from '@urql/core'

/** The text of an operation, with the types of its result and its variables. */
export type Operation<Result, Variables> = DocumentInput<Result, Variables>
