/** Presets of reasons, the first one preselected. `r` takes the next one. */
export const MERGE_REASONS = [
  'The same thing by its names and numbers',
  'Confirmed by the customer or its owner',
  'Renamed or moved',
  'Checked in a register',
] as const

export const APART_REASONS = [
  'Two different things',
  'Sites or branches of one company',
  'Variants of one product',
  'Checked in a register',
] as const
