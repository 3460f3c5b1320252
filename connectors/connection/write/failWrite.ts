import type { Outcome, Verdict } from '../contract.ts'
import { failureOf } from '../request/failure.ts'

export type FailWrite = (
  verdict: Verdict,
  code: string,
  what: string,
  more?: { advice?: string; outcome?: Outcome },
) => never

/** Returns the function that throws a refusal of a write before, or after, its request. */
export function failWrite(
  { source, object }: { source: string; object: { name: string } },
  record: string,
): FailWrite {
  const name = { source, object: object.name, method: 'WRITE', path: record }
  return (verdict, code, what, more = {}) => {
    throw failureOf(name, { verdict, code, what, ...more })
  }
}
