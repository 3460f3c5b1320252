import { readGoldenIds } from '../../mdm/golden/read/read.ts'
import type { RequestContext } from '../shared/context.ts'

/**
 * Loads a golden record of another subgraph by the key of one of its source records. One that has
 * ended resolves too, to its tombstone.
 */
export async function loadStub(
  type: string,
  key: string,
  context: RequestContext,
): Promise<{ __typename: string; id: string } | null> {
  const id = await context.load<string | null>('crosswalk', key, null, (keys, sql) =>
    readGoldenIds(sql, keys, { ended: true }),
  )
  return id ? { __typename: type, id } : null
}
