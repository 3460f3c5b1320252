import { userInfo } from 'node:os'
import { visibleText } from './visibleText.ts'

/** Returns the name of the user of this process, or the number of one without a name. */
export function systemUser(): string {
  try {
    return visibleText(userInfo().username)
  } catch (e) {
    // A container may run as a number that it has no name for.
    if (!(e instanceof Error && 'code' in e && e.code === 'ERR_SYSTEM_ERROR')) throw e
    return `${process.getuid?.() ?? ''}`
  }
}
