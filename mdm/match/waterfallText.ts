import { fixed } from '../../schema/kit/numberText.ts'
import type { WaterfallStep } from './waterfall.ts'

/**
 * Returns a waterfall for a terminal: one line a step, bits and running sum at the left; missing
 * values come last.
 */
export function waterfallText(steps: readonly WaterfallStep[]): string {
  const compared = steps.filter((s) => s.level !== 'missing')
  const missing = steps.filter((s) => s.level === 'missing').map((s) => nameOf(s))
  const lines = compared.map(
    (s) => `${signed(s.weight)} ${fixed(s.total, 2).padStart(8)}  ${describe(s)}`,
  )
  if (missing.length > 0)
    lines.push(`${' '.repeat(19)}missing in one of the two: ${missing.join(', ')}`)
  return ['    bits      sum', ...lines].join('\n')
}

function describe(s: WaterfallStep): string {
  if (s.kind !== 'COMPARISON') return s.kind === 'PRIOR' ? s.level : `${s.dimension}: ${s.level}`
  const shares =
    s.m === null || s.u === null ? '' : ` (m ${share(s.m)}, u ${share(s.u)}${rarity(s)})`
  return `${nameOf(s)}: ${s.level}${shares}${s.leftOut === 'REPEATS' ? ', counted already' : ''}`
}

function rarity(s: WaterfallStep): string {
  return Math.abs(s.adjustment) < 0.005
    ? ''
    : `, ${s.adjustment > 0 ? 'rare' : 'common'} ${signed(s.adjustment).trim()}`
}

function nameOf(s: WaterfallStep): string {
  return s.field === s.dimension ? s.field : `${s.field} ${s.dimension}`
}

function share(p: number): string {
  return p >= 0.001 ? p.toFixed(3) : p.toExponential(1)
}

function signed(bits: number): string {
  const text = fixed(bits, 2)
  return (text.startsWith('-') ? text : `+${text}`).padStart(9)
}
