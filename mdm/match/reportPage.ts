import { count, fixed, percent } from '../../schema/kit/numberText.ts'
import { qualitySections } from './qualitySections.ts'
import type { MatchReport, ReportColumn } from './report.ts'
import { BAR_PX, bar, exampleFigure, figure, html } from './reportHtml.ts'
import type { QualityReport } from './reportQuality.ts'

/**
 * Returns the report as one HTML page: no script, nothing loaded from elsewhere, inline pictures;
 * readable in light and dark.
 */
export function reportPage(report: MatchReport | QualityReport): string {
  const { stats } = report
  const facts: [string, string][] = [
    ['Records', count(stats.records)],
    ['Clusters', count(report.clusters)],
    ['Possible matches', count(report.possibleMatches)],
    [
      'Blocking keys',
      `${count(stats.keys)}, of which ${count(stats.saturatedKeys)} too common to use`,
    ],
    ['Candidate pairs', count(stats.candidatePairs)],
    [
      'Matches that are among them, estimated',
      stats.pairsCompleteness === null ? 'cannot be estimated' : percent(stats.pairsCompleteness),
    ],
    ['Training', stats.shippedBecause ?? 'no sign of drift'],
    ['Links', count(stats.edges)],
    ['Largest connected component', count(stats.largestComponent)],
    ['Odds of a match between random records', `2^${fixed(report.priorWeight, 1)}`],
    ['Odds of a mere relation', `2^${fixed(report.relatedWeight, 1)}`],
    ['Model', report.version],
    [
      'Seconds',
      Object.entries(stats.seconds)
        .map(([stage, s]) => `${stage} ${s.toFixed(1)}`)
        .join(', '),
    ],
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Matching ${html(report.title)}</title><style>${STYLE}</style></head><body>
<h1>Matching ${html(report.type)} in ${html(report.title)}</h1>
<table class="facts">${facts.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${html(value)}</td></tr>`).join('')}</table>
${'quality' in report ? qualitySections(report.quality) : ''}<h2>Weight of each level</h2>
<p>In bits: +10 makes a match a thousand times as likely, -10 a thousand times less. Rare values weigh more, common ones less.</p>
${report.dimensions.map(columnChart).join('\n')}
<h2>Linked pairs by weight</h2>
${histogram(report)}
<h2>Clusters by size</h2>
<table><tr><th>Records</th><th>Clusters</th></tr>${report.clusterSizes.map(({ size, clusters }) => `<tr><td>${size}</td><td>${count(clusters)}</td></tr>`).join('')}</table>
<h2>Examples</h2>
${report.examples.map(exampleFigure).join('\n')}
</body></html>
`
}

const STYLE =
  ':root{color-scheme:light dark;--plus:#2a78b8;--minus:#c4572f;--line:#8886}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}' +
  'table{border-collapse:collapse;margin:.5rem 0}th,td{text-align:left;padding:.15rem .8rem .15rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}' +
  'th{font-weight:600}svg text{fill:currentColor;font:12px system-ui,sans-serif}.plus{fill:var(--plus)}.minus{fill:var(--minus)}figure{margin:1rem 0;overflow-x:auto}figcaption{font-weight:600}'

function columnChart(column: ReportColumn): string {
  const most = Math.max(1, ...column.levels.map((level) => Math.abs(level.weight)))
  const rows = column.levels.map((level, i) => bar(level.name, level.weight, 0, most, i))
  return figure(`${column.field}: ${column.name}`, rows, column.levels.length)
}

function histogram(report: MatchReport): string {
  const most = Math.max(1, ...report.histogram.map((step) => step.pairs))
  const rows = report.histogram.map(
    ({ weight, pairs }, i) =>
      `<text x="0" y="${i * 20 + 14}">${weight} to ${weight + 1}</text><rect class="${weight >= report.matchWeightMin ? 'plus' : 'minus'}" x="90" y="${i * 20 + 3}" width="${((2 * BAR_PX * pairs) / most).toFixed(1)}" height="14"/><text x="${(96 + (2 * BAR_PX * pairs) / most).toFixed(1)}" y="${i * 20 + 14}">${count(pairs)}</text>`,
  )
  return figure('Blue: over the threshold', rows, rows.length)
}
