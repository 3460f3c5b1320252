import { listOperation, recordOperations } from '../record/operations.ts'
import { GOLDEN_TYPES } from './goldenTypes.generated.ts'
import { sentText } from './operation.ts'
import { TITLES } from './titlesOperation.ts'

/** Every operation that the console builds from the golden types of the graph. */
const BUILT = [
  TITLES,
  ...GOLDEN_TYPES.flatMap((type) => {
    const { record, losers, history, family, counts } = recordOperations(type)
    const lists = type.lists.map((list) => listOperation(type, list))
    return [record, losers, history, family, ...counts.map((c) => c.operation), ...lists]
  }),
].filter((operation) => operation !== null) as unknown as string[]

/**
 * Returns the texts of all operations that the console sends, as it sends them. `written` are those
 * of its .graphql files. `npx touchstone generate` runs this in a process of its own.
 */
export function sentOperations(written: readonly string[]): string[] {
  return [...written, ...BUILT].map((text) => sentText(text))
}
