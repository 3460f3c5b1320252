/** Presets of reasons, the first one preselected. `r` takes the next one. */
export const APPROVE_REASONS = [
  'Checked, it is right',
  'Confirmed by the customer or its owner',
  'Checked in a register',
] as const

export const DECLINE_REASONS = [
  'The evidence is not enough',
  'It is wrong',
  'The records changed since: propose it again',
  'Somebody else has to decide it',
] as const

export const WITHDRAW_REASON = 'Withdrawn by its author'
