import type { Caller } from '../../mdm/access/caller.ts'
import type { RequestContext } from './context.ts'

/**
 * Returns the caller of an operation. Without an actor there are no roles, and no action is
 * allowed.
 */
export function callerOf({ request }: RequestContext): Caller {
  const { actor, roles, scopes, correlationId } = request
  return {
    actor: actor ?? 'nobody',
    roles: actor === undefined ? new Set() : (roles ?? new Set()),
    scopes,
    correlationId,
  }
}
