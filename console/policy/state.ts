import { textOf } from '../app/urlState.ts'

export const PARTS = ['text', 'matching', 'versions'] as const
export type Part = (typeof PARTS)[number]
export const PART_NAMES: Record<Part, string> = {
  text: 'Policy',
  matching: 'Matching',
  versions: 'Versions',
}

export interface PolicyState extends Record<string, unknown> {
  part: Part
  /** Name of the file that is shown. */
  file: string | undefined
  /** The golden type whose matching is shown. */
  type: string | undefined
  /** The earlier version that is chosen. */
  version: string | undefined
}

export function policyState(search: Record<string, unknown>): PolicyState {
  return {
    part: PARTS.find((p) => p === search.part) ?? 'text',
    file: textOf(search.file),
    type: textOf(search.type),
    // Digits alone are a number in an address.
    version: typeof search.version === 'number' ? `${search.version}` : textOf(search.version),
  }
}

/** What a trial or a publication is about. */
export type Selection =
  | { files: { name: string; text: string }[]; keepModels: true }
  | { version: string }
  | { shipped: true }
