import { type Attributes, context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

export { SpanKind } from '@opentelemetry/api'

/**
 * Spans of OpenTelemetry. Off unless a process turns them on (cli/observe/tracing.ts), and then each of these costs a
 * branch. Attributes name systems, types, ids and counts; never a value of a record.
 */
let on = false

export function tracingIsOn(): boolean {
  return on
}

export function turnTracing(to: boolean): void {
  on = to
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** A W3C traceparent as it was given, where it is one; https://www.w3.org/TR/trace-context/ */
export function checkedTraceparent(given: unknown): string | null {
  const parts = typeof given === 'string' ? TRACEPARENT.exec(given) : null
  return parts && !/^0+$/.test(parts[1] ?? '') && !/^0+$/.test(parts[2] ?? '') ? parts[0] : null
}

/** Of the span that is under way; null where none is. */
export function currentTraceparent(): string | null {
  const span = on ? trace.getActiveSpan()?.spanContext() : undefined
  if (!span) return null
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`
}

export interface SpanOptions {
  name: string
  kind?: SpanKind
  /** A traceparent, or null for a trace of its own; left out: the span that is under way. */
  parent?: string | null | undefined
  attributes?: Attributes
}

/** Runs `work` in a span; it is given the span to add to, or null where there is none. */
export async function traced<T>(options: SpanOptions, work: (span: Span | null) => Promise<T>): Promise<T> {
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

/** A span that its caller ends. */
export function begin({ name, kind = SpanKind.INTERNAL, parent, attributes }: SpanOptions, startMs?: number): Span {
  const under = parent === undefined ? context.active() : contextOf(parent)
  return tracer().startSpan(name, { kind, attributes, startTime: startMs }, under)
}

/** What went wrong, by its kind: messages of errors may quote what a record says. */
export function fail(span: Span, error: unknown): void {
  const code = error instanceof Error ? ('code' in error ? String(error.code) : error.name) : 'error'
  span.setStatus({ code: SpanStatusCode.ERROR, message: code })
}

/** A span of something that is over. */
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
