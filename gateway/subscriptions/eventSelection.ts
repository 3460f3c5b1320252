import { print } from 'graphql'
import { type Operation, selectionsIn, variablesIn } from '../operation/document.ts'

/** The selection of a subscription on each event, independent of which events it receives. */
export interface EventSelection {
  /** Equal for subscriptions with equal selections. */
  text: string
  /** The variables that change the selection, sorted. */
  variables: readonly string[]
  /** True if a selected field has its value at the time of delivery, and not that of the event. */
  isLive: boolean
}

/**
 * Returns the operation without its name and without the arguments of its one field, which select
 * the events. Returns null for an operation of any other form.
 */
export function eventSelectionOf(
  operation: Operation,
  liveFields: ReadonlySet<string>,
): EventSelection | null {
  const [field, ...others] = operation.selected.selections
  if (operation.type !== 'subscription' || field?.kind !== 'FIELD' || others.length > 0) return null
  const texts = [print({ ...field.node, arguments: [] })]
  const variables = new Set(variablesIn(undefined, field.node.directives))
  let isLive = false
  for (const [s] of field.selected ? selectionsIn(field.selected) : []) {
    for (const name of s.variables) variables.add(name)
    if (s.kind === 'FIELD') isLive ||= liveFields.has(s.name)
    const fragment =
      s.kind === 'FRAGMENT' && s.name !== null
        ? operation.document.fragments.get(s.name)
        : undefined
    if (fragment) texts.push(print(fragment.node))
  }
  return { text: texts.join('\n'), variables: [...variables].sort(), isLive }
}
