import { CAPS } from './caps.ts'
import { NUMBER_BITS } from './compareAddress.ts'
import type {
  AddressFeature,
  ComparisonFeature,
  DomainFeature,
  EmailFeature,
  IdentifierFeature,
  PersonFeature,
  ValueFeature,
} from './featureTypes.ts'
import type { Comparison } from './plan.ts'

/**
 * Returns the most bits that a record can share with any other in one column of a comparison:
 * an upper bound of `Agreement.bits`, from one of the two records alone. Infinity where words of
 * the other record can add up to more.
 * @param column 0 for the first column of the comparison, 1 for the second
 */
export function mostBits(
  { kind, context }: Comparison,
  feature: NonNullable<ComparisonFeature>,
  column: number,
): number {
  switch (kind) {
    case 'person': {
      const { gb, sb } = feature as PersonFeature
      return most(column === 0 ? gb : sb)
    }
    case 'address':
      return most(
        (feature as AddressFeature[]).map(({ b, cb, pb }) =>
          column === 0 ? sum(b) + NUMBER_BITS : Math.max(cb, pb),
        ),
      )
    case 'email':
      return most((feature as EmailFeature[]).map(([, , own, domain]) => Math.max(own, domain)))
    case 'phone':
    case 'category':
    case 'reference':
      return most((feature as ValueFeature[]).map(([, bits]) => bits))
    case 'domain':
      return most((feature as DomainFeature[]).map(([, , bits]) => bits))
    case 'identifier':
      return most((feature as IdentifierFeature[]).map(([, , , bits]) => bits))
    case 'name':
      return context ? Number.POSITIVE_INFINITY : CAPS.nameBits
    default:
      return Number.POSITIVE_INFINITY
  }
}

/** NaN stays NaN: what is not a number bounds nothing. */
function most(bits: readonly number[]): number {
  return Math.max(0, ...bits)
}

function sum(bits: readonly number[]): number {
  return bits.reduce((total, own) => total + own, 0)
}
