import { normalText } from '../../schema/kit/normalText.ts'
import { isStorable } from '../../schema/storable.ts'
import { normalReason } from '../access/requestTexts.ts'
import type { ProposalRule } from './outcome.ts'

/** A value for the survivor of a merge: from a golden record, from a source record, or typed in. */
export type Choice =
  | { field: string; golden: string }
  | { field: string; record: string }
  | { field: string; value: unknown }

/**
 * The action that a steward requests. Ids are golden ids; `records` and `groups` hold keys of
 * source records.
 */
export type ActionInput =
  /** `task` is the one that is decided; nothing is done if it is closed. */
  | { kind: 'MERGE'; ids: string[]; choices: Choice[]; task?: string }
  | { kind: 'UNMERGE'; id: string; record: string }
  | { kind: 'SPLIT'; id: string; groups: string[][]; names?: (string | null)[] }
  | { kind: 'NOT_A_MATCH'; ids: string[]; task?: string }
  | { kind: 'OVERRIDE'; id: string; field: string; value: unknown; expiresAt: string | null }
  | { kind: 'LIFT'; id: string; field: string }
  /** `from` is the golden record where the steward saw the record; its present one if left out. */
  | { kind: 'ATTACH'; record: string; from?: string; to: string }
  | { kind: 'SET_PARENT'; id: string; parent: string | null }
  | { kind: 'RETIRE'; id: string }
  | { kind: 'RESTORE'; id: string }
  | { kind: 'UNDO'; action: string }
  | { kind: 'BULK'; items: BulkItem[] }
  /**
   * `policy` is the version of a stored policy. `instead` is the version that was active when the
   * author asked; null if none was published.
   */
  | { kind: 'PUBLISH'; policy: string; instead: string | null }
  /** Issued by the clock: withdraws expired values. */
  | { kind: 'EXPIRE'; id: string }

/** Kinds of action that a bulk action may hold. */
export type BulkItem = Exclude<ActionInput, { kind: 'UNDO' | 'BULK' | 'PUBLISH' }>
export type ActionKind = ActionInput['kind']

export interface ActionRequest {
  input: ActionInput
  reason: string
  idempotencyKey: string
  /**
   * The version of each golden record that the steward saw, by golden id. Must name every golden
   * record of the action.
   */
  expected: Record<string, number>
  /** Set if the action waits for a second person, whatever the rules of approval say. */
  proposal?: Proposal | undefined
}

/** Why an action waits for a second person, and the name of the agent that prepared it. */
export interface Proposal {
  rule: ProposalRule
  agent?: string | undefined
}

/**
 * Returns the golden ids that an input names. Golden ids of named source records are not among
 * them.
 */
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

/** Returns the request with ids and texts of values in the form in which they are stored. */
export function normalised(request: ActionRequest): ActionRequest {
  const expected = Object.entries(request.expected).map(
    ([id, version]) => [id.toLowerCase(), version] as const,
  )
  const { input } = request
  return {
    ...request,
    input:
      input.kind === 'BULK' ? { ...input, items: input.items.map(withTexts) } : withTexts(input),
    expected: Object.fromEntries(expected),
    reason: normalReason(request.reason),
  }
}

function withTexts<T extends ActionInput>(input: T): T {
  if (input.kind === 'OVERRIDE') return { ...input, value: normalTexts(input.value) }
  if (input.kind === 'SPLIT' && input.names) return { ...input, names: normalTexts(input.names) }
  if (input.kind !== 'MERGE') return input
  const choices = input.choices.map((c) =>
    'value' in c ? { ...c, value: normalTexts(c.value) } : c,
  )
  return { ...input, choices }
}

/** Returns a value with every text in normal form; one that cannot be stored stays and is refused. */
function normalTexts<T>(value: T): T {
  if (typeof value === 'string') return (isStorable(value) ? normalText(value) : value) as T
  if (Array.isArray(value)) return value.map(normalTexts) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, v]) => [name, normalTexts(v)])) as T
}
