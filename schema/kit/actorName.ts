import { normalText } from './normalText.ts'

const charsMax = 200
/** Actors that are no people: the audit log uses these names for Touchstone and its parts. */
const OWN = /^((key|cli|webhook):|(clock|development|nobody|touchstone|jetstream|\(overload\))$)/i

/** The rules of names, for messages. */
export const VISIBLE_NAMES = `1 to ${charsMax} characters that can be seen, in one line and without blanks at the ends`
export const ACTOR_NAMES = `${VISIBLE_NAMES}, and no name of Touchstone itself, as clock or key:…`

/**
 * Returns true if a name may stand in logs, terminals and the audit log: it has no character that
 * hides or acts there.
 */
export function isVisibleName(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    name !== '' &&
    name.length <= charsMax &&
    normalText(name) === name &&
    !name.includes('\n')
  )
}

/**
 * Returns true if a caller may have this name: it is visible, and the program does not use it
 * itself.
 */
export function isActorName(name: unknown): name is string {
  return isVisibleName(name) && !OWN.test(name.normalize('NFKC'))
}
