import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { openMetrics } from '../../cli/observe/metrics.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

// Metrics are registered before anything is read, so neither a database nor a tailer is needed.
const sql = openDatabase('postgres://nobody@127.0.0.1:1/none', {
  name: 'test',
  connectionsMax: 1,
})
const tailer = {} as Tailer
const metrics = openMetrics({ sql, connectors: new Map(), types: [], tailer, failed: () => {} })
after(async () => {
  metrics.close()
  await sql.end()
})

interface Rule {
  alert: string
  expr: string
  labels: Record<string, string>
  annotations: Record<string, string>
}
const rules = (
  parse(read('ops/prometheus/touchstone.rules.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((g) => g.rules)
interface Dashboard {
  uid: string
  panels: { title: string; id: number; type: string; targets?: { expr: string }[] }[]
}
const dashboards = readdirSync(fileURLToPath(new URL('../../ops/grafana/', import.meta.url))).map(
  (file) => ({ file, ...(JSON.parse(read(`ops/grafana/${file}`)) as Dashboard) }),
)
const panelsOf = ({ panels }: Dashboard) => panels.filter((p) => p.type !== 'row')
const expressions = [
  ...rules.map((r) => ({ where: r.alert, expr: r.expr })),
  ...dashboards
    .flatMap(panelsOf)
    .flatMap((p) => (p.targets ?? []).map((t) => ({ where: p.title, expr: t.expr }))),
]

/** Labels by metric name; those of a histogram under each of its names. */
function registered(): Map<string, string[]> {
  const known = new Map<string, string[]>()
  for (const metric of metrics.registry.getMetricsAsArray()) {
    const { name, labelNames, type } = metric as unknown as {
      name: string
      labelNames: string[]
      type?: string
    }
    known.set(name, labelNames)
    if (type === 'histogram' || name.endsWith('_seconds'))
      for (const suffix of ['_bucket', '_sum', '_count'])
        known.set(`${name}${suffix}`, [...labelNames, 'le'])
  }
  return known
}

/** Labels that Prometheus itself adds. */
const SCRAPE = ['instance', 'job']

test('every metric and label that the alert rules and the dashboards name exists', () => {
  const known = registered()
  assert.ok(expressions.length > 70, `${expressions.length} expressions`)
  const wrong = expressions.flatMap(({ where, expr }) => {
    const used = [...expr.matchAll(/(touchstone_[a-z_]+)(?:\{([^}]*)\})?/g)]
    const names = used.map(([, name = '']) => name)
    const labels = [
      ...used.flatMap(([, , inside = '']) => [...inside.matchAll(/([a-z_]+)\s*[=!]/g)]),
      ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, inside = '']) => [
        ...inside.matchAll(/([a-z_]+)/g),
      ]),
    ].map(([, label = '']) => label)
    const allowed = [...SCRAPE, ...names.flatMap((name) => known.get(name) ?? [])]
    return [
      ...(names.length === 0 ? [`${where}: no metric`] : []),
      ...names.filter((name) => !known.has(name)).map((name) => `${where}: ${name}`),
      ...labels.filter((label) => !allowed.includes(label)).map((label) => `${where}: ${label}`),
    ]
  })
  assert.deepEqual(wrong, [])
})

test('every alert has a severity and texts, and is explained in docs/monitoring.md', () => {
  const document = read('docs/monitoring.md')
  for (const { alert, labels, annotations } of rules) {
    assert.match(labels.severity ?? '', /^(page|ticket)$/, alert)
    assert.ok(annotations.summary && annotations.description, alert)
    assert.ok(document.includes(alert), `${alert} is not in docs/monitoring.md`)
  }
  assert.equal(new Set(rules.map((r) => r.alert)).size, rules.length)
})

test('every panel of a dashboard has an id of its own and asks for something', () => {
  assert.equal(new Set(dashboards.map((d) => d.uid)).size, dashboards.length)
  for (const dashboard of dashboards) {
    const { panels, file } = dashboard
    assert.equal(new Set(panels.map((p) => p.id)).size, panels.length, file)
    for (const panel of panelsOf(dashboard))
      assert.ok((panel.targets ?? []).length > 0, panel.title)
  }
})

test('the dashboard of source systems shows each kind of metric of pulls and writes', () => {
  const shown = JSON.stringify(dashboards.find((d) => d.uid === 'touchstone-systems'))
  for (const name of [
    'lag',
    'objects',
    'failed',
    'requests',
    'retries',
    'waits',
    'limit_used_ratio',
  ])
    assert.ok(shown.includes(`touchstone_pull_${name}`), name)
  for (const name of ['intents', 'oldest', 'ended', 'failed', 'paused', 'limit_used_ratio'])
    assert.ok(shown.includes(`touchstone_write_${name}`), name)
})
