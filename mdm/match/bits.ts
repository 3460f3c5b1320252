import { COMMON_BITS } from './commonValues.ts'
import type { Frequencies } from './parameters.ts'
import { unknownBits } from './priors.ts'

/**
 * Creates the lookup of a comparison's bits: from the model if it has a table for the sort, else
 * from the shipped common values.
 */
export function createBitsTable(
  frequencies: Record<string, Frequencies> | undefined,
): (sort: string, value: string) => number {
  const trained = new Map(
    Object.entries(frequencies ?? {}).map(([sort, { unknown, shipped, bits }]) => [
      sort,
      { unknown, shipped, bits: new Map(Object.entries(bits)) },
    ]),
  )
  return (sort, value) => {
    const table = trained.get(sort)
    if (!table) return COMMON_BITS.get(sort)?.get(value) ?? unknownBits(sort, value)
    return (
      table.bits.get(value) ??
      (1 - table.shipped) * table.unknown + table.shipped * unknownBits(sort, value)
    )
  }
}
