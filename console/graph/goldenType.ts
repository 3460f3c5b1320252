import { GOLDEN_TYPES } from './goldenTypes.generated.ts'
import type { GoldenType } from './goldenTypes.ts'

export function goldenType(name: string | undefined): GoldenType | null {
  return GOLDEN_TYPES.find((t) => t.name === name) ?? null
}
