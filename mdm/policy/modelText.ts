import { ModelError } from '../match/parameters.ts'

/** Objects within objects in a trained model. */
const depthMax = 8
export const TOO_DEEP = `a trained model has at most ${depthMax} objects within each other`

/**
 * Returns the content of a trained model. Throws ModelError with the name of its file, and the line
 * where the parser knows it.
 */
export function parseModel(file: string, text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (e) {
    const message = e instanceof Error ? e.message : String(e)
    const [, line = '1', column = '1'] = /line (\d+) column (\d+)/.exec(message) ?? []
    throw new ModelError(`${file}:${line}:${column}: ${message}`)
  }
  if (isTooDeep(value)) throw new ModelError(`${file}:1:1: ${TOO_DEEP}`)
  return value
}

/** Goes level by level: deep values would end a function that calls itself. */
export function isTooDeep(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return true
    level = level.flatMap((v) => (typeof v === 'object' && v !== null ? Object.values(v) : []))
  }
  return false
}
