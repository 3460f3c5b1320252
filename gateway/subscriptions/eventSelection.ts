import { print } from 'graphql'
import { type Operation, selectionsIn, variablesIn } from '../operation/document.ts'

/** What a subscription selects of each event, whichever events it receives. */
export interface EventSelection {
  /** The same for subscriptions that select the same. */
  text: string
  /** Variables that decide what is selected, sorted. */
  variables: readonly string[]
  /**
   * Whether a selected field has the value at the time of delivery instead of the value of the
   * event.
   */
  isLive: boolean
}

/**
 * Returns the operation without its name and without the arguments of its one field, which say
 * which events come. Null for an operation of any other form.
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
