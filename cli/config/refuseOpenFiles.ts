import { existsSync } from 'node:fs'
import { ConfigError } from '../../schema/kit/configError.ts'
import { openToAll } from '../../schema/kit/trustedPath.ts'

/** The files of the configuration that decide who may read and write what. */
export interface DecidingFiles {
  access?: string | undefined
  sources?: string | undefined
  ownSubgraphs?: string | undefined
  supergraph?: string | undefined
}

/**
 * Throws ConfigError if every user of this machine could change one of the files, and so take
 * rights. Servers check it; commands do not, because checkouts for builds are often open to all.
 */
export function refuseOpenFiles(files: DecidingFiles): void {
  for (const file of [files.access, files.sources, files.ownSubgraphs, files.supergraph]) {
    if (file === undefined || !existsSync(file)) continue
    const why = openToAll(file)
    if (why) throw new ConfigError(`the configuration ${file} is not safe: ${why}`)
  }
}
