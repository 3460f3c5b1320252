import { PROPOSE_TOOLS } from './proposeTools.ts'
import { READ_TOOLS } from './readTools.ts'
import type { Tool } from './tool.ts'

/** All tools. There is none that takes a text of GraphQL, and none that decides a proposal. */
export const TOOLS: readonly Tool[] = [...READ_TOOLS, ...PROPOSE_TOOLS]

const byName = new Map(TOOLS.map((tool) => [tool.name, tool]))

export function toolNamed(name: string): Tool | undefined {
  return byName.get(name)
}
