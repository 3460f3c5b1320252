import type { Caller } from '../../mdm/access/caller.ts'
import type { RequestContext } from './context.ts'

/**
 * Who asks. Without an actor, as where authentication does not say one, there are no roles and so
 * nothing to do.
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
