import { salesforceId } from './checkDigits.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefixes = {
  Account: '001',
  Contact: '003',
  User: '005',
  Opportunity: '006',
  Product2: '01t',
  Contract: '800',
} as const
export type SalesforceObject = keyof typeof prefixes

/**
 * Returns the id of the n-th record of an object: key prefix, pod, and a counter spread over
 * upper-case and lower-case letters.
 */
export function sfId(object: SalesforceObject, n: number): string {
  let rest = n * 7919 + 500_000_000
  let digits = ''
  for (let at = 0; at < 7; at++) {
    digits = base62[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return salesforceId(`${prefixes[object]}5g000${digits}`)
}

const owners = [
  'Amelia Hartwood',
  'Jonas Feldkamp',
  'Camille Beaurand',
  'Diego Valderas',
  'Marta Kowicz',
  'Priya Langford',
  'Luca Bellini',
  'Sanne Veldhuis',
  'Noah Winfield',
  'Ingrid Steinhof',
  'Rui Carvalhos',
  'Grace Oakham',
]

export const ownerName = (owner: number) => owners[owner]!
export const ownerId = (owner: number) => sfId('User', owner)
export const accountId = (customer: number, copy: number) => sfId('Account', customer * 4 + copy)
export const contactId = (customer: number, ordinal: number, copy: number) =>
  sfId('Contact', customer * 8 + ordinal * 2 + copy)
export const productId = (product: number) => sfId('Product2', product)
export const contractId = (customer: number, ordinal: number) =>
  sfId('Contract', customer * 4 + ordinal)
export const opportunityId = (customer: number, ordinal: number) =>
  sfId('Opportunity', customer * 4 + ordinal)
