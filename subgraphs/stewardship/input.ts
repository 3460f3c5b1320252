import type { ActionInput, BulkItem, Choice } from '../../mdm/stewardship/input.ts'

interface Seen {
  id: string
  version: number
}
interface ChoiceInput {
  field: string
  golden?: string | null
  source?: string | null
  value?: unknown
}

/** The inputs of the schema, by the field of StewardActionInput that holds each. */
export interface Inputs {
  merge: { records: Seen[]; choices?: ChoiceInput[] | null; task?: string | null }
  unmerge: { record: Seen; source: string }
  split: { record: Seen; groups: { name?: string | null; sources: string[] }[] }
  notAMatch: { records: Seen[]; task?: string | null }
  override: { record: Seen; field: string; value?: unknown; expiresAt?: string | null }
  lift: { record: Seen; field: string }
  attach: { source: string; from: Seen; to: Seen }
  setParent: { record: Seen; parent?: Seen | null }
  retire: { record: Seen }
  restore: { record: Seen }
  undo: string
}

/** An action in the engine's form, with the versions that the steward saw. */
export interface ActionCommand {
  input: ActionInput
  expected: Record<string, number>
}

type Reader<K extends keyof Inputs> = (input: Inputs[K]) => ActionCommand

const versions = (...seen: (Seen | null | undefined)[]) =>
  Object.fromEntries(seen.filter((s) => !!s).map((s) => [s.id, s.version]))

const READERS: { [K in keyof Inputs]: Reader<K> } = {
  merge: ({ records, choices, task }) => ({
    input: {
      kind: 'MERGE',
      ids: records.map((r) => r.id),
      choices: (choices ?? []).map(choiceOf),
      ...(task ? { task } : {}),
    },
    expected: versions(...records),
  }),
  unmerge: ({ record, source }) => ({
    input: { kind: 'UNMERGE', id: record.id, record: source },
    expected: versions(record),
  }),
  split: ({ record, groups }) => ({
    input: {
      kind: 'SPLIT',
      id: record.id,
      groups: groups.map((g) => g.sources),
      names: groups.map((g) => g.name ?? null),
    },
    expected: versions(record),
  }),
  notAMatch: ({ records, task }) => ({
    input: { kind: 'NOT_A_MATCH', ids: records.map((r) => r.id), ...(task ? { task } : {}) },
    expected: versions(...records),
  }),
  override: ({ record, field, value, expiresAt }) => ({
    input: { kind: 'OVERRIDE', id: record.id, field, value, expiresAt: expiresAt ?? null },
    expected: versions(record),
  }),
  lift: ({ record, field }) => ({
    input: { kind: 'LIFT', id: record.id, field },
    expected: versions(record),
  }),
  attach: ({ source, from, to }) => ({
    input: { kind: 'ATTACH', record: source, from: from.id, to: to.id },
    expected: versions(from, to),
  }),
  setParent: ({ record, parent }) => ({
    input: { kind: 'SET_PARENT', id: record.id, parent: parent?.id ?? null },
    expected: versions(record, parent),
  }),
  retire: ({ record }) => ({
    input: { kind: 'RETIRE', id: record.id },
    expected: versions(record),
  }),
  restore: ({ record }) => ({
    input: { kind: 'RESTORE', id: record.id },
    expected: versions(record),
  }),
  undo: (action) => ({ input: { kind: 'UNDO', action }, expected: {} }),
}

export function commandOf<K extends keyof Inputs>(kind: K, input: Inputs[K]): ActionCommand {
  return READERS[kind](input)
}

/** Returns the one action that is given, or null if there is none or several. */
export function onlyOne(given: Partial<Inputs>): ActionCommand | null {
  const kinds = (Object.keys(READERS) as (keyof Inputs)[]).filter(
    (k) => given[k] !== undefined && given[k] !== null,
  )
  const [kind] = kinds
  if (kinds.length !== 1 || kind === undefined) return null
  return commandOf(kind, given[kind] as Inputs[typeof kind])
}

/**
 * Combines several actions into one. Returns null if an item is not exactly one action, or if a
 * bulk action may not contain it.
 */
export function bulk(items: Partial<Inputs>[]): ActionCommand | null {
  const all = items.map(onlyOne)
  const inputs: BulkItem[] = []
  const expected: [string, number][] = []
  for (const one of all) {
    if (
      !one ||
      one.input.kind === 'UNDO' ||
      one.input.kind === 'BULK' ||
      one.input.kind === 'PUBLISH'
    )
      return null
    inputs.push(one.input)
    expected.push(...Object.entries(one.expected))
  }
  return { input: { kind: 'BULK', items: inputs }, expected: Object.fromEntries(expected) }
}

/**
 * Returns a choice as it was given. A choice that names no value, or several, is rejected at
 * execution. Null counts as a value only if nothing else is given.
 */
function choiceOf({ field, golden, source, value }: ChoiceInput): Choice {
  const named = { ...(golden && { golden }), ...(source && { record: source }) }
  const states = value !== undefined && (value !== null || Object.keys(named).length === 0)
  return { field, ...named, ...(states && { value }) } as Choice
}
