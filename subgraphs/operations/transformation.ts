import type { ExceptionRow } from '../../mdm/inbox/exceptions.ts'
import { type ExceptionDesk, explain, missingScope, typeOf } from '../../mdm/ingest/exceptions.ts'
import { hiddenFields, missingScopeOfIssue } from '../../schema/hiddenFields.ts'

/** Code of a message that leaves its record without a required value; it names the field. */
const INCOMPLETE = 'INCOMPLETE'
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
    : hiddenBy(desk, row, scopes)
  return scope === null ? null : notShown(scope)
}

/** Returns the canonical field that failed; null if no single one did, or if it is hidden. */
export function shownField(
  desk: ExceptionDesk,
  row: Pick<ExceptionRow, 'system' | 'object' | 'code' | 'field'>,
  scopes: ReadonlySet<string>,
): string | null {
  return hiddenBy(desk, row, scopes) === null ? row.field : null
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
    steps: r.steps.flatMap((s) => {
      if (!isHidden(desk, r.type, s.field, scopes)) return [{ ...s, hidden: false }]
      // Which paths were read, what was wrong, and that a value is missing depend on values.
      return s.line === null ? [] : [{ ...s, hidden: true, value: null, reads: [], issues: [] }]
    }),
  }))
  return { code: null, detail: null, records }
}

/**
 * Returns the scope that a caller lacks for the field that an exception names, or null. Only an
 * incomplete record names a canonical field; others may name a part of the message. Whose field it
 * is remains unknown if the object has no mapping any more.
 */
function hiddenBy(
  desk: ExceptionDesk,
  row: Pick<ExceptionRow, 'system' | 'object' | 'code' | 'field'>,
  scopes: ReadonlySet<string>,
): string | null {
  const { code, field } = row
  if (field === null) return null
  const type = goldenType(desk, typeOf(desk, row.system, row.object))
  if (!type) return code === INCOMPLETE ? missingScope(desk, row, scopes) : null
  const [name] = field.split('.', 1)
  if (code !== INCOMPLETE && !type.fields.some((f) => f.name === name)) return null
  return missingScopeOfIssue(desk.policy, type, field, scopes)
}

function isHidden(
  desk: ExceptionDesk,
  as: string | null,
  field: string,
  scopes: ReadonlySet<string>,
): boolean {
  const type = goldenType(desk, as)
  return !!type && hiddenFields(desk.policy, type, scopes).has(field)
}

function goldenType({ policy }: ExceptionDesk, name: string | null) {
  return policy.types.find((t) => t.name === name)
}

/** Returns the text that replaces a hidden value. */
export function notShown(scope: string): string {
  return `not shown without the scope ${scope}`
}
