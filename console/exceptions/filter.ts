import { textOf } from '../app/urlState.ts'
import type { ExceptionListQueryVariables, ExceptionReasonsQuery } from './exceptions.generated.ts'

export type Filter = ExceptionListQueryVariables['filter']
export type Reason = NonNullable<ExceptionReasonsQuery['inboundExceptionCounts']>['nodes'][number]

/** What the address says: the chosen reason, the state, and the current exception. */
export interface ExceptionsState extends Record<string, unknown> {
  system: string | undefined
  /** Empty: the messages name no object. */
  object: string | undefined
  code: string | undefined
  owner: string | undefined
  state: 'CORRECTED' | 'DISCARDED' | undefined
  at: string | undefined
}

export function exceptionsState(search: Record<string, unknown>): ExceptionsState {
  const { state } = search
  return {
    system: textOf(search.system),
    object: typeof search.object === 'string' ? search.object : undefined,
    code: textOf(search.code),
    owner: textOf(search.owner),
    state: state === 'CORRECTED' || state === 'DISCARDED' ? state : undefined,
    // The router reads a number in the address as a number.
    at: typeof search.at === 'number' ? String(search.at) : textOf(search.at),
  }
}

/** Returns the filter of the graph for the list. */
export function filterOf({ system, object, code, ...rest }: ExceptionsState): Filter {
  return {
    ...reasonsFilterOf(rest),
    ...(system === undefined ? {} : { systems: [system] }),
    ...(object === undefined
      ? {}
      : object === ''
        ? { withoutObject: true }
        : { objects: [object] }),
    ...(code === undefined ? {} : { codes: [code] }),
  }
}

/** Returns the filter of the counts: each reason is counted, whichever is chosen. */
export function reasonsFilterOf({
  owner,
  state,
}: Pick<ExceptionsState, 'owner' | 'state'>): Filter {
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(state === undefined ? {} : { state }),
  }
}

/** Returns the parts of the address that choose a reason, or none. */
export function choiceOf(reason: Reason | null): Partial<ExceptionsState> {
  return {
    system: reason?.system,
    object: reason ? (reason.object ?? '') : undefined,
    code: reason?.code,
    at: undefined,
  }
}

export function isChosen(reason: Reason, { system, object, code }: ExceptionsState): boolean {
  return (
    (system === undefined || reason.system === system) &&
    (object === undefined || (reason.object ?? '') === object) &&
    (code === undefined || reason.code === code)
  )
}
