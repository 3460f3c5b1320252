import { count, fixed, percent } from '../../schema/kit/numberText.ts'
import { exampleFigure, html } from './reportHtml.ts'
import type { Expected, MatchQuality } from './reportQuality.ts'

/** Returns the sections of a report that show how far its result can be trusted. */
export function qualitySections(quality: MatchQuality): string {
  const { training, expected, thresholds, contributions, doubtful } = quality
  return `<h2>Training</h2>
${facts([
  ['Model', training.isTrained ? 'trained on these records' : 'given'],
  ['Expected matches among the linked pairs', count(Math.round(training.expectedMatches))],
  ['Records that share a cluster', percent(training.matchedRecords)],
  [
    'Linked pairs that the shipped levels decide the same',
    training.agreement === null ? 'no linked pairs' : percent(training.agreement),
  ],
])}
${training.warnings.length === 0 ? '<p>Nothing speaks against the model.</p>' : `<ul>${training.warnings.map((text) => `<li>${html(text)}</li>`).join('')}</ul>`}
<h2>Expected precision and recall</h2>
<p>As the probabilities of the model expect them: they are as right as the model. Labels measure them: <code>touchstone match --label 100</code>.</p>
${table(
  ['Pairs', 'Number', 'Precision', 'Recall'],
  [
    ['in one cluster', ...figures(expected)],
    ...thresholds.map((step) => [
      `weight ${fixed(step.weight, 1)} and more (probability ${fixed(step.probability, 3)})`,
      ...figures(step),
    ]),
  ],
)}
<h2>What each field contributes</h2>
<p>Average bits in pairs of one cluster and in linked pairs of two; in how many matches it speaks for one; how many matches would be under the threshold without it.</p>
${table(
  ['Field', 'Bits in matches', 'Bits in others', 'Speaks for', 'Decides'],
  contributions.map((c) => [
    c.field === '*' ? c.name : `${c.field}: ${c.name}`,
    fixed(c.bitsInMatches, 2),
    fixed(c.bitsInOthers, 2),
    percent(c.supports),
    percent(c.decides),
  ]),
)}
<h2>The most doubtful pairs</h2>
${doubtful.map(exampleFigure).join('\n') || '<p>No two records are linked.</p>'}
`
}

function figures({ pairs, precision, recall }: Expected): string[] {
  const share = (value: number | null) => (value === null ? '' : percent(value))
  return [count(pairs), share(precision), share(recall)]
}

function facts(rows: readonly (readonly [string, string])[]): string {
  return `<table class="facts">${rows.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${html(value)}</td></tr>`).join('')}</table>`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) => row.map((cell) => `<td>${html(cell)}</td>`).join('')
  return `<table><tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</table>`
}
