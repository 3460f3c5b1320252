import { Counter, Histogram, type Registry } from 'prom-client'
import type { ObserveOperation } from '../../gateway/execution/runtime.ts'

/** Maximum number of names with their own label; later ones share one. */
const namesMax = 200
const nameCharsMax = 64

/**
 * Counts operations by the names in their documents, as "query CustomerCard"; labels contain no
 * values.
 */
export function operationMetrics(registry: Registry): ObserveOperation {
  const labelNames = ['operation', 'type'] as const
  const registers = [registry]
  const seconds = new Histogram({
    name: 'touchstone_graphql_operation_seconds',
    help: 'How long queries and mutations took that were let in.',
    labelNames,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  const failed = new Counter({
    name: 'touchstone_graphql_operations_failed',
    help: 'Operations whose response had errors.',
    labelNames,
    registers,
  })
  const known = new Set<string>()
  return ({ name, type, ms, ok }) => {
    let operation = name === null ? 'anonymous' : name.slice(0, nameCharsMax)
    if (name !== null && !known.has(operation)) {
      if (known.size < namesMax) known.add(operation)
      else operation = 'other'
    }
    seconds.observe({ operation, type }, ms / 1_000)
    if (!ok) failed.inc({ operation, type })
  }
}
