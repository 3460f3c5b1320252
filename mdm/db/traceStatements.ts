import { begin, currentTraceparent, fail, SpanKind } from '../../schema/trace.ts'

/** A statement of the driver: it runs when it is awaited, and settles by `resolve` or `reject`. */
interface Statement {
  handle(): Promise<void>
  resolve(rows: unknown): void
  reject(error: unknown): void
  strings: readonly string[]
}

/**
 * Returns the same pool with a span for each statement that runs under a span; background work has
 * none. A span is named after the statement's verb and first table. Neither the text, which may
 * hold literals, nor the parameters are recorded.
 */
export function traceStatements<Pool extends object>(sql: Pool): Pool {
  return new Proxy(sql, {
    apply(target, self, args) {
      return traced(Reflect.apply(target as never, self, args))
    },
    get(target, name) {
      const value = Reflect.get(target, name)
      if (name === 'unsafe')
        return (...args: unknown[]) => traced((value as Call).apply(target, args))
      if (name === 'begin' || name === 'savepoint')
        return (...args: unknown[]) =>
          (value as Call).apply(target, [
            ...args.slice(0, -1),
            (tx: object) => (args.at(-1) as Call)(traceStatements(tx)),
          ])
      return value
    },
  })
}

type Call = (...args: unknown[]) => unknown

function traced(made: unknown): unknown {
  const statement = made as Statement
  if (!(made instanceof Promise) || typeof statement.handle !== 'function') return made
  const handle = statement.handle.bind(statement)
  let started = false
  statement.handle = () => {
    if (!started && currentTraceparent()) {
      started = true
      const span = begin({
        name: spanName(statement.strings.join('?')),
        kind: SpanKind.CLIENT,
        attributes: { 'db.system.name': 'postgresql' },
      })
      const { resolve, reject } = statement
      statement.resolve = (rows) => {
        span.end()
        resolve(rows)
      }
      statement.reject = (error) => {
        fail(span, error)
        span.end()
        reject(error)
      }
    }
    return handle()
  }
  return made
}

function spanName(text: string): string {
  const verb = /^\s*([a-z]+)/i.exec(text)?.[1]?.toLowerCase() ?? 'statement'
  const table = /\b(?:from|into|update|join)\s+([a-z_]+)\b/i.exec(text)?.[1]
  return table ? `sql ${verb} ${table}` : `sql ${verb}`
}
