import { GraphQLError } from 'graphql'
import { BadCursorError } from '../../mdm/db/keyset.ts'
import { FilterError } from '../../mdm/golden/read/filter.ts'

/** Codes of errors that the caller can correct. */
export type InputErrorCode =
  | 'BAD_CURSOR'
  | 'BAD_PAGE'
  | 'PAGE_TOO_LARGE'
  | 'BAD_FILTER'
  | 'FILTER_TOO_LARGE'
  | 'MISSING_SCOPE'
  | 'TOO_MANY_IDS'
  | 'UNKNOWN_ID'
  | 'NOT_MATCHED'
  | 'DIFFERENT_TYPES'
  | 'SAME_RECORD'
  | 'VALUE_UNFIT'
  | 'SEARCH_NOT_READY'

export function inputError(code: InputErrorCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}

/** Converts expected errors of reads to GraphQL errors. The gateway masks all others. */
export function asGraphqlError(error: unknown): unknown {
  if (error instanceof BadCursorError) return inputError('BAD_CURSOR', error.message)
  if (error instanceof FilterError) return inputError(error.code, error.message)
  return error
}
