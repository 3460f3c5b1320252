import {
  type Attributes,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

export { SpanKind } from '@opentelemetry/api'

/**
 * Spans of OpenTelemetry. They are off unless a process turns them on (cli/observe/tracing.ts);
 * while they are off, each call costs one branch. Attributes hold systems, types, ids and counts,
 * never a value of a record.
 */
let on = false

export function tracingIsOn(): boolean {
  return on
}

export function turnTracing(to: boolean): void {
  on = to
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** Returns a valid W3C traceparent unchanged, else null; https://www.w3.org/TR/trace-context/ */
export function checkedTraceparent(given: unknown): string | null {
  const parts = typeof given === 'string' ? TRACEPARENT.exec(given) : null
  return parts && !/^0+$/.test(parts[1] ?? '') && !/^0+$/.test(parts[2] ?? '') ? parts[0] : null
}

/** Returns the traceparent of the active span; null without one. */
export function currentTraceparent(): string | null {
  const span = on ? trace.getActiveSpan()?.spanContext() : undefined
  if (!span) return null
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`
}

export interface SpanOptions {
  name: string
  kind?: SpanKind
  /** A traceparent, or null for a new trace; by default the active span. */
  parent?: string | null | undefined
  attributes?: Attributes
}

/** Runs `work` in a span and passes the span to it; null while tracing is off. */
export async function traced<T>(
  options: SpanOptions,
  work: (span: Span | null) => Promise<T>,
): Promise<T> {
  if (!on) return await work(null)
  const span = begin(options)
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span))
  } catch (e) {
    fail(span, e)
    throw e
  } finally {
    span.end()
  }
}

/** Begins a span, which the caller ends. */
export function begin(
  { name, kind = SpanKind.INTERNAL, parent, attributes }: SpanOptions,
  startMs?: number,
): Span {
  const under = parent === undefined ? context.active() : contextOf(parent)
  return tracer().startSpan(name, { kind, attributes, startTime: startMs }, under)
}

/**
 * Marks a span as failed with the code of the error only: messages may quote values of a record.
 */
export function fail(span: Span, error: unknown): void {
  const code =
    error instanceof Error ? ('code' in error ? String(error.code) : error.name) : 'error'
  span.setStatus({ code: SpanStatusCode.ERROR, message: code })
}

/** Records a span with known begin and end. */
export function noted(options: SpanOptions, startMs: number, endMs: number): void {
  if (on) begin(options, startMs).end(endMs)
}

function contextOf(parent: string | null) {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(parent ?? '') ?? []
  if (!traceId || !spanId) return ROOT_CONTEXT
  const traceFlags = Number.parseInt(flags ?? '0', 16)
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

function tracer() {
  return trace.getTracer('touchstone')
}
