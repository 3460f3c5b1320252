import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { turnTracing } from '../../schema/trace.ts'
import type { Config } from '../config/config.ts'

export const TRACING_CONFIG = ['otlpUrl', 'tracePercent'] as const
export type TracingConfig = Partial<Config<(typeof TRACING_CONFIG)[number]>>

/** Maximum number of spans that wait to be sent; further ones are dropped. */
const queueSpansMax = 8_192
const batchSpansMax = 512
const sendEveryMs = 1_000
/** How long a collector may take for a batch, and a stop for the rest. */
const sendMsMax = 5_000
/** Requests that a collector may leave unanswered; meanwhile spans are dropped. */
const requestsMax = 4

/**
 * Sends the spans of this process or thread to the configured OpenTelemetry collector over HTTP.
 * Must be called before anything is opened. Returns a function that stops it and sends the
 * remaining spans. An unavailable collector loses spans and has no other effect.
 */
export async function startTracing(
  { otlpUrl, tracePercent = 100 }: TracingConfig,
  part: string,
): Promise<() => Promise<void>> {
  if (!otlpUrl) return async () => {}
  // 190 modules, of no use without a collector.
  const [exporters, resources, sdk] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace'),
  ])
  const url = new URL(otlpUrl)
  if (url.pathname === '/') url.pathname = '/v1/traces'
  const exporter = new exporters.OTLPTraceExporter({
    url: url.href,
    timeoutMillis: sendMsMax,
    concurrencyLimit: requestsMax,
  })
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes({
      'service.name': 'touchstone',
      'service.instance.id': `${part}/${process.pid}`,
    }),
    sampler: new sdk.ParentBasedSampler({
      root: new sdk.TraceIdRatioBasedSampler(tracePercent / 100),
    }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter,
        maxQueueSize: queueSpansMax,
        maxExportBatchSize: batchSpansMax,
        scheduledDelayMillis: sendEveryMs,
        exportTimeoutMillis: sendMsMax,
      }),
    ],
  })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncContexts())
  turnTracing(true)
  return async () => {
    turnTracing(false)
    // A collector that answers a byte at a time never ends a request.
    const late = new AbortController()
    await Promise.race([
      provider.shutdown().catch(() => {}),
      sleep(sendMsMax, undefined, { signal: late.signal }).catch(() => {}),
    ])
    late.abort()
  }
}

/** Propagates the current span across awaits and callbacks. */
class AsyncContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => work.apply(self, args))
  }

  bind<T>(_: Context, target: T): T {
    return target
  }

  enable(): this {
    return this
  }

  disable(): this {
    this.#storage.disable()
    return this
  }
}
