import { ownValue } from '../../schema/kit/dictionary.ts'
import { fixed } from '../../schema/kit/numberText.ts'
import { visibleText } from '../../schema/kit/visibleText.ts'
import type { ReportExample } from './report.ts'
import { waterfall } from './waterfall.ts'

/** Length in pixels of the bar of the largest weight. */
export const BAR_PX = 260

/** Returns two records side by side, and how their weight comes about. */
export function exampleFigure(example: ReportExample): string {
  const { comparison, a, b } = example
  const steps = waterfall(comparison).filter((step) => step.weight !== 0)
  const most = Math.max(1, ...steps.map((step) => Math.abs(step.total)))
  const rows = steps.map((step, i) => {
    const name = step.kind === 'COMPARISON' ? `${step.dimension}: ${step.level}` : step.level
    return bar(name, step.weight, step.total - step.weight, most, i)
  })
  rows.push(bar('sum', comparison.weight, 0, most, rows.length))
  const names = [...new Set([...Object.keys(a.fields), ...Object.keys(b.fields)])]
  const value = (fields: typeof a.fields, name: string) =>
    html(text(ownValue(fields, name)).slice(0, 200))
  return `<h3>${html(example.title)}: probability ${comparison.probability.toFixed(3)}</h3>
<table><tr><th></th><th>${html(a.key)}</th><th>${html(b.key)}</th></tr>${names.map((name) => `<tr><th scope="row">${html(name)}</th><td>${value(a.fields, name)}</td><td>${value(b.fields, name)}</td></tr>`).join('')}</table>
${figure(comparison.conflict ? `Cannot be one: ${comparison.conflict}` : 'How the weight comes about', rows, rows.length)}`
}

/**
 * Returns a bar from `from` to `from + weight` on a scale with zero in the middle, with its name at
 * the left.
 */
export function bar(name: string, weight: number, from: number, most: number, row: number): string {
  const scale = BAR_PX / most
  const zero = 330 + BAR_PX
  const left = zero + Math.min(from, from + weight) * scale
  const width = Math.max(1, Math.abs(weight) * scale)
  return `<text x="0" y="${row * 20 + 14}">${html(name.length > 52 ? `${name.slice(0, 51)}…` : name)}</text><rect class="${weight >= 0 ? 'plus' : 'minus'}" x="${left.toFixed(1)}" y="${row * 20 + 3}" width="${width.toFixed(1)}" height="14"/><text x="${(left + width + 4).toFixed(1)}" y="${row * 20 + 14}">${fixed(weight, 1)}</text>`
}

export function figure(caption: string, rows: readonly string[], count: number): string {
  return `<figure><figcaption>${html(caption)}</figcaption><svg role="img" aria-label="${html(caption)}" width="930" height="${count * 20 + 4}">${rows.join('')}</svg></figure>`
}

function text(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Escapes a text for the page; characters that hide or turn others around are shown as escapes. */
export function html(value: string): string {
  return visibleText(value)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
