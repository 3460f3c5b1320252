import type { ExecutionResult } from 'graphql'
import { jsonText } from '../cache/responseCache.ts'

/** Longer texts are written for each subscriber: shared results are cached for a while. */
const sharedCharsMax = 64 * 1024

/**
 * Returns a result as JSON. Subscribers that share a result share its text: to write it takes
 * longer than the rest of a message.
 */
export function resultText(result: ExecutionResult): string {
  const known = (result as { [jsonText]?: string })[jsonText]
  if (known !== undefined) return known
  const text = JSON.stringify(result)
  // Not enumerable: a copy of the result with additional properties has another text.
  if (!result.errors && text.length <= sharedCharsMax)
    Object.defineProperty(result, jsonText, { value: text })
  return text
}
