/** A value taken for the survivor of a merge: that of one of the golden records, of a source record, or one typed in. */
export type Choice =
  | { field: string; golden: string }
  | { field: string; record: string }
  | { field: string; value: unknown }

/** What a steward wants done. Ids are golden ids, `records` and `groups` hold keys of source records. */
export type ActionInput =
  | { kind: 'MERGE'; ids: string[]; choices: Choice[] }
  | { kind: 'UNMERGE'; id: string; record: string }
  | { kind: 'SPLIT'; id: string; groups: string[][]; names?: (string | null)[] }
  | { kind: 'NOT_A_MATCH'; ids: string[] }
  | { kind: 'OVERRIDE'; id: string; field: string; value: unknown; expiresAt: string | null }
  | { kind: 'LIFT'; id: string; field: string }
  /** `from`: where the steward saw the record; where it is now when left out. */
  | { kind: 'ATTACH'; record: string; from?: string; to: string }
  | { kind: 'SET_PARENT'; id: string; parent: string | null }
  | { kind: 'RETIRE'; id: string }
  | { kind: 'RESTORE'; id: string }
  | { kind: 'UNDO'; action: string }
  | { kind: 'BULK'; items: BulkItem[] }
  /** A kept policy by its version, and the version in force that its author saw; null: none was published. */
  | { kind: 'PUBLISH'; policy: string; instead: string | null }
  /** The clock's: values whose time is over. */
  | { kind: 'EXPIRE'; id: string }

/** Kinds that a bulk action may hold. */
export type BulkItem = Exclude<ActionInput, { kind: 'UNDO' | 'BULK' | 'PUBLISH' }>
export type ActionKind = ActionInput['kind']

export interface ActionRequest {
  input: ActionInput
  reason: string
  idempotencyKey: string
  /** Golden id -> the version that the steward saw. Every golden record that the action names has to be in it. */
  expected: Record<string, number>
}

/** Golden ids that an input names; those that a source record is in come beside them. */
export function goldenIdsOf(input: ActionInput): string[] {
  switch (input.kind) {
    case 'MERGE':
    case 'NOT_A_MATCH':
      return input.ids
    case 'ATTACH':
      return input.from === undefined ? [input.to] : [input.from, input.to]
    case 'SET_PARENT':
      return input.parent === null ? [input.id] : [input.id, input.parent]
    case 'UNDO':
    case 'PUBLISH':
      return []
    case 'BULK':
      return input.items.flatMap(goldenIdsOf)
    default:
      return [input.id]
  }
}

/** The same request with ids as they are stored. */
export function normalised(request: ActionRequest): ActionRequest {
  const expected = Object.entries(request.expected).map(([id, version]) => [id.toLowerCase(), version] as const)
  return { ...request, expected: Object.fromEntries(expected) }
}
