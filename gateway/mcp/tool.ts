import { z } from 'zod'

/** A tool of an agent: one fixed GraphQL operation, and the arguments that become its variables. */
export interface Tool {
  name: string
  title: string
  /** Says what the tool does. It is constant and holds no stored value. */
  description: string
  /** The arguments. An argument that is not listed is rejected. */
  input: z.ZodType<Record<string, unknown>>
  /** Returns the text of the operation. It depends on the golden types of the graph alone. */
  operation: (goldenTypes: readonly string[]) => string
  /** Returns the variables of the operation; the arguments themselves if left out. */
  variables?: (input: Record<string, never>, call: ToolCall) => Record<string, unknown>
  /** True if the tool reads only; false if it proposes or comments. */
  readOnly: boolean
}

/** What a tool knows of its call besides the arguments. */
export interface ToolCall {
  /** Name and version of the client program, as it states them. */
  agent: string
}

const idCharsMax = 200
export const pageSizeMax = 50

export const id = z.string().min(1).max(idCharsMax)
export const word = z.string().min(1).max(idCharsMax)
export const words = z.array(word).min(1).max(20)
export const first = z.int().min(1).max(pageSizeMax).default(20)
/** The cursor of the page before, as `pageInfo.endCursor` states it. */
export const after = z.string().min(1).max(2_000).optional()

/** Creates a tool. The type of `variables` follows from the arguments. */
export function tool<S extends z.ZodType<Record<string, unknown>>>(
  given: Omit<Tool, 'input' | 'operation' | 'variables' | 'readOnly'> & {
    input: S
    operation: string | Tool['operation']
    variables?: (input: z.output<S>, call: ToolCall) => Record<string, unknown>
    readOnly?: boolean
  },
): Tool {
  const { operation, readOnly = true } = given
  return {
    ...given,
    readOnly,
    operation: typeof operation === 'string' ? () => operation : operation,
  } as unknown as Tool
}
