import { Gauge, type Registry } from 'prom-client'
import type { Level } from '../../mdm/serviceLevels/serviceLevels.ts'

/** Creates the metrics of service levels, by objective, tier and span. */
export function serviceLevelMetrics(registry: Registry): { show(levels: readonly Level[]): void } {
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge<L>({ name: `touchstone_${name}`, help, labelNames, registers: [registry] })
  const labels = ['objective', 'tier'] as ['objective', 'tier']
  const target = gauge('slo_target', 'The share that has to be in time.', labels)
  const ratio = gauge('slo_ratio', 'The share that was in time.', [...labels, 'window'])
  const total = gauge('slo_measured', 'How much was measured.', [...labels, 'window'])
  const burn = gauge(
    'slo_burn_rate',
    'How fast the error budget is used; 1 uses it up in the window.',
    [...labels, 'window'],
  )
  const budget = gauge('slo_budget_left', 'Share of the error budget that is left.', labels)
  return {
    show(levels) {
      for (const g of [target, ratio, total, burn, budget]) g.reset()
      for (const l of levels) {
        const of = { objective: l.name, tier: l.tier }
        target.set(of, l.target)
        if (l.budgetLeft !== null) budget.set(of, l.budgetLeft)
        for (const s of l.spans) {
          const window = s.hours % 24 === 0 ? `${s.hours / 24}d` : `${s.hours}h`
          total.set({ ...of, window }, s.total)
          burn.set({ ...of, window }, s.burnRate)
          if (s.ratio !== null) ratio.set({ ...of, window }, s.ratio)
        }
      }
    },
  }
}
