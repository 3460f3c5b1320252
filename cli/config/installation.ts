import { type CredentialLimit, limitsOf } from '../../connectors/connection/limits/limitsOf.ts'
import type { SourceConnection } from '../../connectors/connection/sourceConnection.ts'
import { hasStream } from '../../connectors/connection/stream/openStream.ts'
import type { Connector, SourceSystem } from '../../connectors/contract.ts'
import { judgeConnectors } from '../../connectors/judgeConnectors.ts'
import type { SourceFiles } from '../../connectors/places/sourceFiles.ts'
import { readSources } from '../../connectors/sources.ts'
import type { JudgedTarget, WriteTarget } from '../../connectors/writeTarget.ts'
import { STREAM } from '../../mdm/connections/streams/stream.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { activePolicy, type StoredPolicy } from '../../mdm/policy/policies.ts'
import { type ReconcileSettings, readReconcile } from '../../mdm/reconcile/settings.ts'
import { readServiceLevels, type ServiceLevels } from '../../mdm/serviceLevels/objectives.ts'
import { readRules, type StewardshipRules } from '../../mdm/tasks/rules.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import type { Policy } from '../../schema/policy.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { packagePath } from './packagePath.ts'
import { parseStoredPolicy } from './policyFiles.ts'

/**
 * The configuration of this installation: its policy and its source systems, read from files and
 * checked.
 */
export interface Installation {
  policy: Policy
  systems: SourceSystem[]
  /** By name; mappings are judged by the policy of the last `judge`, at first the shipped one. */
  connectors: Map<string, Connector>
  /** How source systems are asked, by name; one that only sends is absent. */
  connections: ReadonlyMap<string, SourceConnection>
  /** The files of source systems that exchange files, by name. */
  files: ReadonlyMap<string, SourceFiles>
  /** The source systems that golden values are written to, by name; judged as `connectors` are. */
  targets: Map<string, JudgedTarget>
  /**
   * Judges the mappings and `write:` by a policy. A source system with a mistake in its mapping is
   * held; one with a mistake in `write:` is read, and nothing is written to it.
   */
  judge(policy: Policy): void
  /** The roles and duties of stewardship. */
  rules: StewardshipRules
  /** The objectives of the service levels. */
  levels: ServiceLevels
  /** What is reconciled. */
  reconcile: ReconcileSettings
}

/**
 * Opens the installation. Throws PolicyError and ConfigError, which name file and line, but not for
 * a mistake in a mapping: it holds its source system alone. `sources` defaults to the shipped file.
 */
export function openInstallation(
  sources: string = packagePath('config/sources.yaml'),
): Installation {
  const configured = readSources(sources)
  const systems = configured.map((s) => s.system)
  const policy = readPolicy(
    packagePath('schema/model'),
    systems.map((s) => s.name),
  )
  return {
    policy,
    systems,
    connections: new Map(
      configured.flatMap((s) => (s.connection ? [[s.system.name, s.connection] as const] : [])),
    ),
    files: new Map(configured.flatMap((s) => (s.files ? [[s.system.name, s.files] as const] : []))),
    ...judgeConnectors(configured, policy),
    rules: readRules(packagePath('config/stewardship.yaml')),
    levels: readServiceLevels(packagePath('config/service-levels.yaml')),
    reconcile: readReconcile(
      packagePath('config/reconcile.yaml'),
      systems.map((s) => s.name),
    ),
  }
}

/** Judges the mappings by the active policy, which the database has, and returns it. */
export async function judgeByActivePolicy(
  sql: Sql,
  installation: Installation,
  read: () => Promise<StoredPolicy | null> = () => activePolicy(sql),
): Promise<Policy> {
  const stored = await read()
  const policy = stored ? parseStoredPolicy(stored, null) : installation.policy
  installation.judge(policy)
  return policy
}

/** Returns the source systems that are held, with the mistake in their mapping. */
export function heldSources(
  connectors: ReadonlyMap<string, Pick<Connector, 'held'>>,
): { source: string; mistake: string }[] {
  return [...connectors].flatMap(([source, { held }]) =>
    held === undefined ? [] : [{ source, mistake: held }],
  )
}

/** Returns a source system by name. Throws if there is none, or if it is held. */
export function usableConnector(
  { connectors }: Pick<Installation, 'connectors'>,
  name: string,
): Connector {
  const connector = connectors.get(name)
  if (!connector)
    throw new Error(
      `no source system "${name}"; config/sources.yaml has ${[...connectors.keys()].join(', ')}`,
    )
  if (connector.held !== undefined)
    throw new ConfigError(`${name} is held until its mapping is right: ${connector.held}`)
  return connector
}

/**
 * Returns the source systems that golden values are written to, without those whose mode is OFF.
 * Throws ConfigError with every mistake in `write:`, which a start refuses.
 */
export function writeTargets({ targets }: Pick<Installation, 'targets'>): WriteTarget[] {
  const judged = [...targets.values()].filter((t) => t.mode !== 'OFF')
  const mistakes = judged.flatMap((t) => t.held ?? [])
  if (mistakes.length > 0) throw new ConfigError(mistakes.join('\n'))
  return judged.flatMap((t) => t.target ?? [])
}

/** Returns the objects of each source system that is asked, or whose files are read. */
function isStreamed(connection: SourceConnection | undefined): boolean {
  return connection !== undefined && hasStream(connection)
}

export function pulledObjects({
  connections,
  files,
}: Pick<Installation, 'connections' | 'files'>): Map<string, readonly string[]> {
  const names = new Set([...connections.keys(), ...files.keys()])
  return new Map(
    [...names].map((name) => [
      name,
      [
        ...(connections.get(name)?.objects ?? []),
        ...(files.get(name)?.objects.keys() ?? []),
        ...(isStreamed(connections.get(name)) ? [STREAM] : []),
      ],
    ]),
  )
}

/** Returns how the records of the source systems come, by name; one that only sends is absent. */
export function sourceIntakes({
  connections,
  files,
}: Pick<Installation, 'connections' | 'files'>): Map<
  string,
  { isAsked: boolean; hasFiles: boolean; limits: CredentialLimit[] }
> {
  const names = new Set([...connections.keys(), ...files.keys()])
  return new Map(
    [...names].map((name) => {
      const connection = connections.get(name)
      return [
        name,
        {
          isAsked: connection !== undefined,
          hasFiles: files.has(name),
          limits: connection ? limitsOf(connection) : [],
        },
      ]
    }),
  )
}
