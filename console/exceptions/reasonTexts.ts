/** Presets of reasons, the first one preselected. */
export const RETRY_REASONS = [
  'The mapping was corrected',
  'The source system was configured',
  'A setting or a policy was corrected',
  'What it waits for has arrived',
] as const

export const CORRECT_REASONS = [
  'Corrected after asking the owner of the system',
  'A value had a form that the mapping does not read',
  'A required value was missing',
] as const

export const ASIDE_REASONS = [
  'The record is of no interest here',
  'A test of the source system',
  'The source system sends it again',
] as const
