import type { LegalForm, Locale, Spelling } from './locales/locale.ts'

/** The true world, before any system records it. */
export interface Address {
  street: string
  city: string
  region: string
  postcode: string
  country: string
}

export interface Phone {
  dial: string
  trunk: string
  area: string
  local: string
}

export interface PersonName {
  woman: boolean
  given: Spelling
  surname: Spelling
}

export interface Contact extends PersonName {
  key: string
  ordinal: number
  title: string
  email: string
  /** The customer's switchboard if the person has no direct line. */
  phone: Phone
  ownLine: boolean
  mobile?: Phone
}

export type Lifecycle = 'LEAD' | 'PROSPECT' | 'CUSTOMER' | 'FORMER'
export type SourceName = 'salesforce' | 'stripe' | 'netsuite' | 'webshop'

export interface Customer {
  key: string
  index: number
  locale: Locale
  /** Set for people; organisations have `organisation`. */
  person?: PersonName
  organisation?: { core: Spelling; stem: string; form: LegalForm; trade: string; trading?: string }
  taxId?: string
  registration?: string
  duns?: string
  domain?: string
  email: string
  phone: Phone
  mobile?: Phone
  address: Address
  /** Address before the move, and the time of the move (ms). */
  formerAddress?: Address
  movedAt?: number
  shipping?: Address
  parent?: Customer
  /** Part of a company group, a namesake or in a household: the name alone does not identify it. */
  easilyConfused: boolean
  /** Another company has the same name: only address, phone and domain distinguish them. */
  namesake: boolean
  currency: string
  terms: string
  owner: number
  industry: string
  employees: number
  lifecycle: Lifecycle
  since: number
  contacts: Contact[]
  sources: ReadonlySet<SourceName>
  contracts: Contract[]
  opportunities: Opportunity[]
}

export interface Product {
  key: string
  index: number
  name: string
  /** The product's name in the web shop. */
  shopName: string
  sku: string
  gtin?: string
  manufacturer: string
  manufacturerCode?: string
  description: string
  unit: string
  category: string
  /** In EUR cents. */
  priceCents: number
  recurring?: 'month' | 'year'
  service: boolean
  active: boolean
  since: number
}

export interface Contract {
  key: string
  ordinal: number
  number: string
  lines: { product: Product; quantity: number; unitPriceMinor: number }[]
  termMonths: number
  start: number
  end: number
  valueMinor: number
  status: 'DRAFT' | 'ACTIVE' | 'EXPIRED' | 'CANCELLED'
  renewal: 'AUTOMATIC' | 'MANUAL' | 'NONE'
}

export interface Opportunity {
  ordinal: number
  name: string
  stage: string
  amountMinor: number
  close: number
  contract?: Contract
}

export const dayMs = 86_400_000
/** First day of the world, time of the Salesforce export, and end of the world. */
export const worldStart = Date.UTC(2021, 0, 4, 8)
export const exportedAt = Date.UTC(2026, 8, 1, 2)
export const worldEnd = Date.UTC(2026, 8, 30, 18)
export const blockSize = 20
