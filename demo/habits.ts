import type { SourceName } from './truth.ts'

export interface Habits {
  formNone: number
  formVariant: number
  typo: number
  abbreviation: number
  case: number
  trading: number
  native: number
  moved: number
  swapped: number
  misplaced: number
  noPhone: number
  noAddress: number
  taxId: number
  /** Share of records with an email of the company, and with a website. */
  email: number
  website: number
}

/** Data quality of each system, as shares of records. */
export const habits: Readonly<Record<SourceName, Habits>> = {
  salesforce: {
    formNone: 0.42,
    formVariant: 0.2,
    typo: 0.04,
    abbreviation: 0.08,
    case: 0.02,
    trading: 0.25,
    native: 0.05,
    moved: 0.6,
    swapped: 0.01,
    misplaced: 0,
    noPhone: 0.2,
    noAddress: 0.08,
    taxId: 0,
    email: 0,
    website: 0.78,
  },
  stripe: {
    formNone: 0.3,
    formVariant: 0.2,
    typo: 0.04,
    abbreviation: 0.06,
    case: 0.06,
    trading: 0.15,
    native: 0.1,
    moved: 0.3,
    swapped: 0.005,
    misplaced: 0.02,
    noPhone: 0.4,
    noAddress: 0.1,
    taxId: 0.6,
    email: 0.97,
    website: 0,
  },
  netsuite: {
    formNone: 0.04,
    formVariant: 0.25,
    typo: 0.015,
    abbreviation: 0.05,
    case: 0.1,
    trading: 0,
    native: 0.7,
    moved: 0.1,
    swapped: 0.005,
    misplaced: 0.02,
    noPhone: 0.25,
    noAddress: 0.02,
    taxId: 0.8,
    email: 0.8,
    website: 0.3,
  },
  webshop: {
    formNone: 0.5,
    formVariant: 0.2,
    typo: 0.08,
    abbreviation: 0.1,
    case: 0.14,
    trading: 0.2,
    native: 0.3,
    moved: 0.5,
    swapped: 0.03,
    misplaced: 0.03,
    noPhone: 0.3,
    noAddress: 0.08,
    taxId: 0.35,
    email: 0.95,
    website: 0.4,
  },
}
