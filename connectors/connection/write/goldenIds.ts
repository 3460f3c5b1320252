import { dataText } from '../../../schema/kit/dataText.ts'
import type { GoldenIds } from '../../contract.ts'
import { scopeOf } from '../../mapping/path.ts'
import type { SourceConnection } from '../sourceConnection.ts'
import { openWrite } from './ability.ts'

/** A uuid of version 8, as `recordKey` makes them: other systems use this field with ids of their own. */
const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** Characters of a text that is no golden id; the rest is not stored. */
const foreignCharsMax = 200

/** Reads the golden ids that raw records of a source system bear, and what stands in their place. */
export function goldenIdReader({
  definition,
  values,
}: Pick<SourceConnection, 'definition' | 'values'>): GoldenIds {
  const opened = [...definition.objects].flatMap(([name, { write }]) => {
    const path = write ? openWrite(write, values).goldenId : null
    return write && path ? [{ name, path, isOwnId: write.isGoldenIdOfRecord }] : []
  })
  const paths = new Map(opened.map(({ name, path }) => [name, path]))
  // Where the golden id is the id of the record, records that others made have ids of their own.
  const places = new Map(
    opened.flatMap(({ name, path, isOwnId }) => (isOwnId ? [] : [[name, path]])),
  )
  const idOf = (value: unknown): string | null => {
    const id = typeof value === 'string' ? value.trim().toLowerCase() : ''
    return FORM.test(id) ? id : null
  }
  return {
    of(object, raw) {
      const path = paths.get(object)
      return path ? idOf(path.first(scopeOf(raw))) : undefined
    },
    foreignOf(object, raw) {
      const value = places.get(object)?.first(scopeOf(raw))
      if (value === undefined || value === null || idOf(value) !== null) return null
      return dataText(value).trim().slice(0, foreignCharsMax) || null
    },
    places: new Map([...places].map(([object, path]) => [object, path.text])),
  }
}
