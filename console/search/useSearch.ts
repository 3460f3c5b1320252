import { useEffect, useState } from 'react'
import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { SearchRecordsDocument, type SearchRecordsQuery } from './search.generated.ts'

export type Hit = NonNullable<SearchRecordsQuery['search']>['nodes'][number]

/** A search begins when the person has not typed for so long. */
const restMs = 150
const charsMax = 200

/** Returns a value once it has not changed for a while. */
export function useRested<T>(value: T, ms = restMs): T {
  const [rested, setRested] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return rested
}

/** Finds golden records by a text, as it is typed. The last hits stay until the next ones are there. */
export function useSearch(text: string, types: string[] | undefined) {
  const asked = useRested(text.trim().slice(0, charsMax))
  const loaded = useQuery(
    SearchRecordsDocument,
    asked === '' ? null : { text: asked, types: types ?? null, after: null },
  )
  const page = asked === '' ? null : (loaded.data?.search ?? null)
  const hits = page?.nodes ?? []
  const titles = useTitles(hits.map((h) => h.goldenId))
  return { ...loaded, asked, hits, total: page?.totalCount ?? null, titles }
}
