import {
  defaultFieldResolver,
  type GraphQLFieldResolver,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
} from 'graphql'
import type { RequestContext } from './context.ts'
import { declaredReads, declareReads } from './declaredReads.ts'
import { inputError } from './errors.ts'

/** The type of a connection. */
type List = Pick<GraphQLNamedType, 'name'>

/**
 * A cursor opens for lists of its type only: two lists that are sorted by numbers would compare
 * numbers that count the rows of all callers.
 */
const purposeOf = ({ name }: List) => `list ${name}`

/** Returns the cursor of a list as this caller receives it. */
export function cursorFor(context: RequestContext, list: List, cursor: string): string {
  return context.seal?.seal(purposeOf(list), Buffer.from(cursor)) ?? cursor
}

/** Returns the cursor that `cursorFor` was given. Throws GraphQLError with BAD_CURSOR. */
function openedCursor(context: RequestContext, list: List, given: string): string {
  if (!context.seal) return given
  const opened = context.seal.open(purposeOf(list), given)
  if (!opened)
    throw inputError(
      'BAD_CURSOR',
      'the cursor is not one that a list of this kind gave to a caller with row rights; begin with the first page',
    )
  return opened.toString()
}

interface CursorArguments {
  after?: string | null
  before?: string | null
}

/**
 * Makes every list of a schema open the cursors that it receives, so that no list can forget it.
 * The feed is left out: it has cursors of its own.
 */
export function openCursorArguments(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue
    for (const field of Object.values(type.getFields())) {
      const connection = getNamedType(field.type)
      const names = field.args.map((a) => a.name)
      if (!names.includes('before') || !connection.name.endsWith('Connection')) continue
      const resolve = field.resolve ?? defaultFieldResolver
      const opening: GraphQLFieldResolver<unknown, RequestContext, CursorArguments> = (
        parent,
        args,
        context,
        info,
      ) => resolve(parent, opened(args, connection, context), context, info)
      const reads = declaredReads(resolve)
      field.resolve = reads ? declareReads(reads, opening) : opening
    }
  }
}

function opened<A extends CursorArguments>(args: A, list: List, context: RequestContext): A {
  if (!context.seal) return args
  const open = (cursor: string) => openedCursor(context, list, cursor)
  const { after, before } = args
  return {
    ...args,
    ...(typeof after === 'string' ? { after: open(after) } : {}),
    ...(typeof before === 'string' ? { before: open(before) } : {}),
  }
}
