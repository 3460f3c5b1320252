import { textOf } from '../app/urlState.ts'
import type {
  ActionsListQueryVariables,
  AuditRowsQueryVariables,
  SensitiveReadsQueryVariables,
} from './actions.generated.ts'

export const VIEWS = ['ACTIONS', 'AUDIT', 'READS'] as const
export type View = (typeof VIEWS)[number]

/** What the address says. Dates are days of the viewer, the last one included. */
export interface ActionsState extends Record<string, unknown> {
  view: 'AUDIT' | 'READS' | undefined
  kind: string | undefined
  type: string | undefined
  state: string | undefined
  actor: string | undefined
  text: string | undefined
  from: string | undefined
  to: string | undefined
  /** The current action. */
  at: string | undefined
}

const DAY = /^\d{4}-\d\d-\d\d$/

export function actionsState(search: Record<string, unknown>): ActionsState {
  const dayOf = (value: unknown) =>
    typeof value === 'string' && DAY.test(value) && !Number.isNaN(Date.parse(value))
      ? value
      : undefined
  return {
    view: search.view === 'AUDIT' || search.view === 'READS' ? search.view : undefined,
    kind: textOf(search.kind),
    type: textOf(search.type),
    state: textOf(search.state),
    actor: textOf(search.actor),
    text: textOf(search.text),
    from: dayOf(search.from),
    to: dayOf(search.to),
    at: textOf(search.at),
  }
}

/** Returns the beginning of a day of the viewer, `days` later. */
export function momentOf(day: string, days = 0): string {
  const at = new Date(`${day}T00:00:00`)
  at.setDate(at.getDate() + days)
  return at.toISOString()
}

function span({ from, to }: ActionsState) {
  return { ...(from ? { since: momentOf(from) } : {}), ...(to ? { until: momentOf(to, 1) } : {}) }
}

export function actionFilter(state: ActionsState): ActionsListQueryVariables['filter'] {
  return {
    ...span(state),
    ...(state.kind ? { kinds: [state.kind] } : {}),
    ...(state.type ? { types: [state.type] } : {}),
    ...(state.state ? { states: [state.state as never] } : {}),
    ...(state.actor ? { actor: state.actor } : {}),
    ...(state.text ? { reason: state.text } : {}),
  }
}

export function auditFilter(state: ActionsState): AuditRowsQueryVariables['filter'] {
  return {
    ...span(state),
    ...(state.kind ? { event: state.kind } : {}),
    ...(state.actor ? { actor: state.actor } : {}),
  }
}

export function readsFilter(state: ActionsState): SensitiveReadsQueryVariables['filter'] {
  return { ...span(state), ...(state.actor ? { actor: state.actor } : {}) }
}

export function isFiltered(state: ActionsState): boolean {
  const { view, at, ...filters } = state
  return Object.values(filters).some((v) => v !== undefined)
}
