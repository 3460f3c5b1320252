import type { Logger } from 'pino'
import { describeError } from '../../gateway/http/describeError.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { policyChannel } from '../../mdm/policy/policies.ts'
import type { ResolutionContext } from '../../mdm/resolution/context.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import { activeResolutionContext } from '../config/policyFiles.ts'
import { openServablePolicy } from './servablePolicy.ts'

/**
 * Updates `context` to the active policy and models, now and at each publication. A publication
 * during a lost connection sends no notification, so each new connection checks too. Calls
 * `changed` for each later model.
 */
export async function followPolicy(
  sql: Sql,
  context: ResolutionContext,
  systems: readonly SourceSystem[],
  log: Logger,
  changed: () => void = () => {},
): Promise<void> {
  const read = openServablePolicy(sql, log)
  const failed = (err: unknown) =>
    log.error({ err: describeError(err) }, 'the active policy could not be read')
  const shipped = { policy: context.policy, engines: context.engines, systems: context.systems }
  const follow = async () => {
    const { version } = context.policy
    Object.assign(context, await activeResolutionContext(sql, shipped, systems, read))
    return context.policy.version !== version
  }
  await follow()
  const again = () => void follow().then((other) => other && changed(), failed)
  await sql.listen(policyChannel, again, again)
}
