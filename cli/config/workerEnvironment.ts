import { existsSync } from 'node:fs'
import { readYaml } from '../../connectors/yamlFile.ts'
import { childEnvironment } from '../../schema/kit/childEnvironment.ts'
import { CONFIG, type Config } from './config.ts'
import { packagePath } from './packagePath.ts'

/** Variables that Node, the driver of Postgres and OpenTelemetry read by themselves. */
const READ_BY_LIBRARIES =
  /^(NODE_.*|UV_.*|OTEL_.*|PG[A-Z]+|SSL_CERT_(FILE|DIR)|(HTTPS?|NO)_PROXY|(https?|no)_proxy|HOME|PATH|TMPDIR|TZ|LANG|LC_.*)$/

/**
 * Returns the environment of a process that runs this program again: its settings, the secrets that
 * its configuration names, and what its libraries read. Nothing else of ours, such as the
 * credentials of the shell that started us.
 */
export function workerEnvironment(
  config: Config<'sources' | 'ownSubgraphs'>,
  set: Readonly<Record<string, string>>,
): Record<string, string> {
  return childEnvironment(
    [
      ...Object.keys(process.env).filter((name) => READ_BY_LIBRARIES.test(name)),
      // The owner of the tables has done its part before workers start.
      ...Object.values(CONFIG).flatMap((c) => (c === CONFIG.databaseOwnerUrl ? [] : [c.env])),
      ...namedSecrets(config.sources ?? packagePath('config/sources.yaml')),
      ...namedSecrets(config.ownSubgraphs ?? packagePath('config/subgraphs.yaml')),
    ],
    set,
  )
}

/** Returns the variables that a file of the configuration names as `env` or `signedWith`. */
function namedSecrets(path: string): string[] {
  if (!existsSync(path)) return []
  const found: string[] = []
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return
    for (const [key, inner] of Object.entries(value))
      if ((key === 'env' || key === 'signedWith') && typeof inner === 'string') found.push(inner)
      else walk(inner)
  }
  walk(readYaml(path).value)
  return found
}
