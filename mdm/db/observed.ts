import { begin, currentTraceparent, fail, SpanKind } from '../../schema/trace.ts'
import type { Sql } from './database.ts'

/** Of the driver: a statement runs when somebody waits for it, and ends by one of these. */
interface Statement {
  handle(): Promise<void>
  resolve(rows: unknown): void
  reject(error: unknown): void
  strings: readonly string[]
}

/**
 * The same pool with a span for each statement that runs under one: what the process does by itself has none. It is named by what it does
 * and the first table it names: neither its text, which may hold literals, nor its parameters are told.
 */
export function observed(sql: Sql): Sql {
  return new Proxy(sql, {
    apply(target, self, args) {
      return watched(Reflect.apply(target as never, self, args))
    },
    get(target, name) {
      const value = Reflect.get(target, name)
      if (name === 'unsafe') return (...args: unknown[]) => watched((value as Call).apply(target, args))
      if (name === 'begin' || name === 'savepoint')
        return (...args: unknown[]) =>
          (value as Call).apply(target, [
            ...args.slice(0, -1),
            (tx: Sql) => (args.at(-1) as (tx: Sql) => unknown)(observed(tx)),
          ])
      return value
    },
  })
}

type Call = (...args: unknown[]) => unknown

function watched(made: unknown): unknown {
  const statement = made as Statement
  if (!(made instanceof Promise) || typeof statement.handle !== 'function') return made
  const handle = statement.handle.bind(statement)
  let begun = false
  statement.handle = () => {
    if (!begun && currentTraceparent()) {
      begun = true
      const span = begin({
        name: nameOf(statement.strings.join('?')),
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

function nameOf(text: string): string {
  const verb = /^\s*([a-z]+)/i.exec(text)?.[1]?.toLowerCase() ?? 'statement'
  const table = /\b(?:from|into|update|join)\s+([a-z_]+)\b/i.exec(text)?.[1]
  return table ? `sql ${verb} ${table}` : `sql ${verb}`
}
