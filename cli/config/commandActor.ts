import { systemUser } from '../../schema/kit/systemUser.ts'

/** Returns the actor of a command, for the audit log. */
export function commandActor(): string {
  return `cli:${systemUser()}`
}
