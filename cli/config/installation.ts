import type { Connector, SourceSystem } from '../../connectors/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { readSources } from '../../connectors/sources.ts'
import { readServiceLevels, type ServiceLevels } from '../../mdm/serviceLevels/objectives.ts'
import { readRules, type StewardshipRules } from '../../mdm/tasks/rules.ts'
import type { Policy } from '../../schema/policy.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { packagePath } from './packagePath.ts'

/**
 * The configuration of this installation: its policy and its source systems, read from files and
 * checked.
 */
export interface Installation {
  policy: Policy
  systems: SourceSystem[]
  connectors: Map<string, Connector>
  /** The roles and duties of stewardship. */
  rules: StewardshipRules
  /** The objectives of the service levels. */
  levels: ServiceLevels
}

/**
 * Opens the installation. Throws PolicyError and ConfigError, which name file and line. `sources`
 * defaults to the shipped file.
 */
export function openInstallation(
  sources: string = packagePath('config/sources.yaml'),
): Installation {
  const systems = readSources(sources).map((s) => s.system)
  const policy = readPolicy(
    packagePath('schema/model'),
    systems.map((s) => s.name),
  )
  return {
    policy,
    systems,
    connectors: openConnectors(sources, policy),
    rules: readRules(packagePath('config/stewardship.yaml')),
    levels: readServiceLevels(packagePath('config/service-levels.yaml')),
  }
}
