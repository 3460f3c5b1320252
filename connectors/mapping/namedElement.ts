import { foldName } from './path.ts'
import type { PathSelector, PathStep } from './pathText.ts'

/**
 * An element of a list that is named by its own value: `emails[address=a@b.example].address`. It is
 * the same element wherever it stands in the list, and it can be made where it is not there. So
 * values are added to a list, and taken out of it, without a number that moves.
 */
export interface NamedElement {
  steps: PathStep[]
  /** The steps to the value of every element: `emails[].address`. */
  list: PathStep[]
  value: string
}

/**
 * Returns the path of the element with a value in a list `emails[].address`; null where the steps
 * are no such list, or where the value would not be read again from the text of a path.
 */
export function namedElement(list: readonly PathStep[], value: string): PathStep[] | null {
  if (!isValueList(list) || value.trim() !== value || value === '' || value.includes(']'))
    return null
  const leaf = list.at(-1)?.name ?? ''
  return withLast(list, { how: 'where', name: leaf, isQuoted: false, value })
}

/** Returns what a path says if it leads to an element that is named by its value; else null. */
export function readNamedElement(steps: readonly PathStep[]): NamedElement | null {
  const selector = steps.at(-2)?.selectors.at(-1)
  if (selector?.how !== 'where') return null
  const list = withLast(steps, { how: 'all' })
  const isNamed = isValueList(list) && isValueOf(selector, list.at(-1)?.name ?? '')
  return isNamed ? { steps: [...steps], list, value: selector.value } : null
}

/** Returns whether steps lead to one value in every element of a list: `emails[].address`. */
export function isValueList(steps: readonly PathStep[]): boolean {
  const [leaf, holder] = [steps.at(-1), steps.at(-2)]
  return (
    leaf?.name != null &&
    leaf.selectors.length === 0 &&
    !/[=\]."']/.test(leaf.name) &&
    holder?.selectors.at(-1)?.how === 'all'
  )
}

function isValueOf({ name, isQuoted }: PathSelector & { how: 'where' }, leaf: string): boolean {
  return !isQuoted && foldName(name) === foldName(leaf)
}

/** Returns steps with another selector in the last list. */
function withLast(steps: readonly PathStep[], selector: PathSelector): PathStep[] {
  return steps.map((step, i) =>
    i === steps.length - 2
      ? { ...step, selectors: [...step.selectors.slice(0, -1), selector] }
      : step,
  )
}
