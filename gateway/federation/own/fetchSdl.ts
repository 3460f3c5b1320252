import type { OwnSubgraph } from './ownSubgraph.ts'
import { away, post } from './post.ts'

const schemaBytesMax = 5_000_000

/** Asks a service for its federation schema. Throws GraphQLError if it gives none. */
export async function fetchSdl(
  at: Pick<OwnSubgraph, 'name' | 'url' | 'headers' | 'bounds'>,
): Promise<string> {
  const { data, errors } = await post(
    { ...at, bounds: { timeoutMs: at.bounds.timeoutMs, responseBytesMax: schemaBytesMax } },
    JSON.stringify({ query: '{ _service { sdl } }' }),
    Object.fromEntries(at.headers),
    undefined,
  )
  const { sdl } = (data?._service ?? {}) as { sdl?: unknown }
  if (typeof sdl === 'string' && sdl.trim() !== '') return sdl
  throw away(at.name, `it gives no schema: ${errors[0]?.message ?? '_service { sdl } is empty'}`)
}
