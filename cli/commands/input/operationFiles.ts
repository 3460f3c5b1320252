import { readFileSync } from 'node:fs'
import { type GraphQLSchema, Kind, parse, validate } from 'graphql'
import { z } from 'zod'
import { operationHash } from '../../../mdm/access/operations.ts'

/** The text of an operation that a client sends, as read from a file. */
export interface OperationInFile {
  /** The client, if the file names it. */
  client: string | null
  text: string
  /** Names of the operations in the text. */
  names: string[]
  hash: string
}

/** The format of Apollo's clients (`generate-persisted-query-manifest`). */
const MANIFEST = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      body: z.string().min(1),
      clientName: z.string().nullish(),
    }),
  ),
})

/**
 * Reads the operations of a file: one document of a .graphql file, with its text unchanged, or all
 * of a persisted-query manifest in Apollo's format. Throws with file and operation if an operation
 * is malformed, or if an id is not the sha256 of its body.
 */
export function readOperations(file: string): OperationInFile[] {
  const text = readFileSync(file, 'utf8')
  if (!file.endsWith('.json'))
    return [{ client: null, text, names: namesIn(text, file), hash: operationHash(text) }]
  const manifest = MANIFEST.safeParse(jsonOf(text, file))
  if (!manifest.success)
    throw new Error(
      `${file} is no persisted-query manifest of Apollo's format, version 1: ${z.prettifyError(manifest.error)}`,
    )
  return manifest.data.operations.map(({ id, name, body, clientName }) => {
    const hash = operationHash(body)
    if (id.toLowerCase() !== hash)
      throw new Error(
        `${file}: the id of ${name} is ${id}, and the sha256 of its body is ${hash}; they have to be equal`,
      )
    return {
      client: clientName ?? null,
      text: body,
      names: namesIn(body, `${file}: ${name}`),
      hash,
    }
  })
}

/** Returns the operations that the graph would reject, or an empty list. */
export function invalidOperations(
  operations: readonly OperationInFile[],
  schema: GraphQLSchema,
): string[] {
  return operations.flatMap(({ text, names, hash }) =>
    validate(schema, parse(text)).map(
      (e) => `${names.join(', ') || hash.slice(0, 12)}: ${e.message}`,
    ),
  )
}

function namesIn(text: string, where: string): string[] {
  let operations: (string | undefined)[]
  try {
    operations = parse(text).definitions.flatMap((d) =>
      d.kind === Kind.OPERATION_DEFINITION ? [d.name?.value] : [],
    )
  } catch (e) {
    throw new Error(`${where}: ${e instanceof Error ? e.message : e}`, { cause: e })
  }
  if (operations.length === 0) throw new Error(`${where} has no operation, only fragments`)
  return operations.filter((name) => name !== undefined)
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (e) {
    throw new Error(`${file} is not JSON`, { cause: e })
  }
}
