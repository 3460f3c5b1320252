import type { Callers } from '../../gateway/identity/caller.ts'
import { type LocalCallersOptions, localCallers } from '../../gateway/identity/callers.ts'

const SECRET = 'tsd_of-the-tests'

/**
 * Creates the callers of a gateway in the process of its test or bench: those of a server without
 * authentication, where a request without credentials counts as one with the secret.
 */
export function openCallers(options: Partial<LocalCallersOptions> = {}): Callers {
  const local = localCallers({ isSecret: (text) => text === SECRET, ...options })
  return {
    ...local,
    identify: (given) =>
      local.identify(given.bearer === null ? { ...given, bearer: SECRET } : given),
  }
}
