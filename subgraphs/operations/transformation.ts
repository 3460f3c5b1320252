import type { ExceptionRow } from '../../mdm/inbox/exceptions.ts'
import { type ExceptionDesk, explain, missingScope, typeOf } from '../../mdm/ingest/exceptions.ts'
import { missingScopeOf } from '../../schema/hiddenFields.ts'

/** Codes whose detail comes from the program or the database and may quote any value. */
const QUOTES_ANYTHING = new Set(['NOT_APPLICABLE', 'NOT_COMPARED'])

/**
 * Returns the replacement of a reason that quotes a value which the caller may not see. Returns
 * null if it quotes none.
 */
export function hiddenDetail(
  desk: ExceptionDesk,
  row: Pick<ExceptionRow, 'system' | 'object' | 'code' | 'field'>,
  scopes: ReadonlySet<string>,
): string | null {
  const scope = QUOTES_ANYTHING.has(row.code)
    ? missingScope(desk, row, scopes)
    : hiddenBy(desk, typeOf(desk, row.system, row.object), row.field, scopes)
  return scope === null ? null : notShown(scope)
}

/** Returns the steps from a payload to canonical fields, as the graph shows them. */
export function transformation(
  desk: ExceptionDesk,
  row: ExceptionRow,
  payload: string,
  object: string | null,
  scopes: ReadonlySet<string>,
) {
  const read = explain(desk, row, payload, object)
  if ('code' in read) return { ...read, records: [] }
  // Records derived from one another share their raw fields.
  const hidden = read.records.some((r) =>
    missingScope(desk, { system: row.system, object: r.object }, scopes),
  )
  const records = read.records.map(({ sourceId, ...r }) => ({
    ...r,
    recordId: sourceId,
    complete: r.deleted || r.steps.every((s) => s.line !== null),
    raw: hidden ? null : r.raw,
    steps: r.steps.map((s) => {
      const scope = hiddenBy(desk, r.type, s.field, scopes)
      if (scope === null) return s
      return {
        ...s,
        value: null,
        reads: s.reads.map(({ path }) => ({ path, values: null })),
        issues: s.issues.map((i) => ({ ...i, detail: notShown(scope) })),
      }
    }),
  }))
  return { code: null, detail: null, records }
}

/** Returns the scope that a caller lacks for a field, or a part of it, of a golden type. */
function hiddenBy(
  desk: ExceptionDesk,
  type: string | null,
  field: string | null,
  scopes: ReadonlySet<string>,
): string | null {
  const golden = desk.policy.types.find((t) => t.name === type)
  const name = field?.split('.', 1)[0]
  const found = golden?.fields.find((f) => f.name === name)
  return found ? missingScopeOf(desk.policy, found, scopes) : null
}

/** Returns the text that replaces a hidden value. */
export function notShown(scope: string): string {
  return `not shown without the scope ${scope}`
}
