import type { Dirt } from './dirt.ts'
import type { Product, SourceName } from './truth.ts'

/** One message or row of a source, before it is delivered. */
export interface Draft {
  object: string
  format: 'events' | 'rows'
  value: object
  /** It is delivered after later ones, out of order. */
  late?: boolean
}

export type MasterType = 'customers' | 'contacts' | 'products' | 'contracts'

/** A source record with its true entity. */
export interface TruthRow {
  type: MasterType
  source: SourceName
  object: string
  id: string
  entity: string
  dirt: readonly Dirt[]
  deleted: boolean
}

/** A source's drafts for one customer (or for the catalogue), and their truth. */
export interface Holding {
  drafts: Draft[]
  truth: TruthRow[]
}

export interface WorldContext {
  seed: number
  companies: number
  products: readonly Product[]
}

export const isoSeconds = (time: number) => new Date(time).toISOString().replace('.000', '')
export const isoDate = (time: number) => new Date(time).toISOString().slice(0, 10)
/** Returns a contract number as people copy it into another system. */
export const copiedNumber = (draw: number, number: string) =>
  draw < 0.75
    ? number
    : draw < 0.85
      ? number.replaceAll('-', '')
      : draw < 0.93
        ? number.toLowerCase()
        : number.replaceAll('-', ' ')
