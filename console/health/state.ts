import { textOf } from '../app/urlState.ts'

export const PARTS = ['levels', 'quality', 'stewards', 'opinions'] as const
export type Part = (typeof PARTS)[number]
export const PART_NAMES: Record<Part, string> = {
  levels: 'Service levels',
  quality: 'Quality',
  stewards: 'Stewards',
  opinions: 'Second opinions',
}

export interface HealthState extends Record<string, unknown> {
  part: Part
  type: string | undefined
}

export function healthState(search: Record<string, unknown>): HealthState {
  return { part: PARTS.find((p) => p === search.part) ?? 'levels', type: textOf(search.type) }
}

/** Returns a share in percent; a dash where there is nothing to count. */
export function percentText(share: number | null | undefined): string {
  return share === null || share === undefined ? '–' : `${(share * 100).toFixed(1)} %`
}

/** Returns a duration in the largest unit of which it has two. */
export function durationText(seconds: number): string {
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ]
  const [unit, size] = units.find(([, s]) => seconds >= 2 * s) ?? ['s', 1]
  return `${(seconds / size).toFixed(seconds / size < 10 ? 1 : 0)} ${unit}`
}
