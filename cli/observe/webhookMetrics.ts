import { Gauge, type Registry } from 'prom-client'
import type { EndpointFigure } from '../../mdm/webhooks/metrics.ts'

/** Creates the metrics of webhook endpoints, named by id; there are at most 500. */
export function webhookMetrics(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge<L>({ name: `touchstone_${name}`, help, labelNames, registers: [registry] })
  const lag = gauge(
    'webhook_lag_positions',
    'Positions between the place of an endpoint and the head.',
    ['endpoint'],
  )
  const parked = gauge('webhook_parked_records', 'Golden records that wait for a retry.', [
    'endpoint',
  ])
  const endpoints = gauge('webhook_endpoints', 'Endpoints, by how they stand.', ['state'])
  const unsettled = gauge(
    'webhook_unsettled_events',
    'Events that are not delivered, counted to 100,000.',
    ['state'],
  )
  return {
    show(
      figures: readonly EndpointFigure[],
      events: readonly { state: string; count: number }[],
    ): void {
      for (const g of [lag, parked, endpoints, unsettled]) g.reset()
      for (const state of ['active', 'paused', 'disabled']) endpoints.set({ state }, 0)
      for (const f of figures) {
        endpoints.inc({
          state: f.state === 'DISABLED' ? 'disabled' : f.paused ? 'paused' : 'active',
        })
        parked.set({ endpoint: f.id }, f.parked)
        if (f.state === 'ACTIVE') lag.set({ endpoint: f.id }, f.lag)
      }
      for (const e of events) unsettled.set({ state: e.state.toLowerCase() }, e.count)
    },
  }
}
