import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Who, Written } from '../kit/store.ts'
import { type HubspotRecord, sourceOf } from './records.ts'

/** One version of a property: its value, and who stated it. */
export interface Version {
  value: string
  timestamp: string
  sourceType: string
  sourceId: string
}

const versionsMax = 20

/** The versions of properties since the world was filled, newest first. */
export class History {
  readonly #versions = new Map<string, Version[]>()

  /** Creations by users are not stored: their versions follow from the record. */
  follow({ object, id, action, record, before }: Written, now: number, who: Who): void {
    if (action === 'deleted' || (action === 'created' && who.by === 'user')) return
    const { type, id: sourceId } = sourceOf(who)
    const timestamp = new Date(now).toISOString()
    const { properties } = record as HubspotRecord
    const former = (before as HubspotRecord | undefined)?.properties ?? {}
    for (const name of new Set([...Object.keys(properties), ...Object.keys(former)])) {
      const value = ownValue(properties, name) ?? ''
      if (value === (ownValue(former, name) ?? '')) continue
      const versions = this.of(object, id, name, before)
      versions.unshift({ value, timestamp, sourceType: type, sourceId })
      this.#versions.set(place(object, id, name), versions.slice(0, versionsMax))
    }
  }

  of(object: string, id: string, name: string, record: unknown): Version[] {
    const stored = this.#versions.get(place(object, id, name))
    if (stored) return [...stored]
    const { properties, createdAt } = (record ?? { properties: {} }) as HubspotRecord
    const value = ownValue(properties, name)
    if (value === undefined) return []
    const { type, id: sourceId } = sourceOf({ by: 'user', cause: 'user' })
    return [{ value, timestamp: createdAt, sourceType: type, sourceId }]
  }
}

const place = (object: string, id: string, name: string) => `${object} ${id} ${name}`
