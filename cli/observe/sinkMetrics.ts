import { Gauge, type Registry } from 'prom-client'
import type { SinkStats } from '../../mdm/jetstream/metrics.ts'

/** Creates the metrics of the sinks that the feed is published to, by all processes. */
export function sinkMetrics(registry: Registry) {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `touchstone_${name}`, help, labelNames: ['sink'], registers: [registry] })
  const position = gauge('sink_position', 'Position up to which a sink has the feed.')
  const lag = gauge('sink_lag_positions', 'Positions between the place of a sink and the head.')
  const missed = gauge(
    'sink_missed_positions',
    'Positions that expired before they were published.',
  )
  return {
    show(figures: readonly SinkStats[]): void {
      for (const g of [position, lag, missed]) g.reset()
      for (const f of figures) {
        position.set({ sink: f.name }, f.position)
        lag.set({ sink: f.name }, f.lag)
        missed.set({ sink: f.name }, f.missed)
      }
    },
  }
}
