import type { Dirt } from './dirt.ts'
import type { Product, SourceName } from './truth.ts'

/** One message or row of a source, before it is delivered. */
export interface Draft {
  object: string
  format: 'events' | 'rows'
  value: object
  /** It comes after later ones: an out-of-order delivery. */
  late?: boolean
}

export type MasterType = 'customers' | 'contacts' | 'products' | 'contracts'

/** Which true thing a source record is. */
export interface TruthRow {
  type: MasterType
  source: SourceName
  object: string
  id: string
  entity: string
  dirt: readonly Dirt[]
  deleted: boolean
}

/** What a source holds of one customer (or of the catalogue), and the truth of it. */
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
/** The form in which people copy a contract number into another system. */
export const copiedNumber = (draw: number, number: string) =>
  draw < 0.75
    ? number
    : draw < 0.85
      ? number.replaceAll('-', '')
      : draw < 0.93
        ? number.toLowerCase()
        : number.replaceAll('-', ' ')
