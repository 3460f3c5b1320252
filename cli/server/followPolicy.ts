import type { Sql } from '../../mdm/db/database.ts'
import { policyChannel } from '../../mdm/policy/policies.ts'
import type { ResolutionContext } from '../../mdm/resolution/context.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import { activeResolutionContext } from '../config/policyFiles.ts'

/**
 * Brings `mastering` to the policy and the models in force, now and whenever others are published. What was published
 * while the connection was away brought no notice, so a new one looks too. `changed` is told of another model, later on.
 */
export async function followPolicy(
  sql: Sql,
  mastering: ResolutionContext,
  systems: readonly SourceSystem[],
  failed: (error: unknown) => void,
  changed: () => void = () => {},
): Promise<void> {
  const shipped = { policy: mastering.policy, engines: mastering.engines, systems: mastering.systems }
  const follow = async () => {
    const { version } = mastering.policy
    Object.assign(mastering, await activeResolutionContext(sql, shipped, systems))
    return mastering.policy.version !== version
  }
  await follow()
  const again = () => void follow().then((other) => other && changed(), failed)
  await sql.listen(policyChannel, again, again)
}
