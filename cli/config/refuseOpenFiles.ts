import { ConfigError } from '../../schema/kit/configError.ts'
import { openToAll } from '../../schema/kit/trustedPath.ts'

/** The files that decide who may read and write what, whom webhooks trust, and what is proven. */
export interface DecidingFiles {
  access?: string | undefined
  sources?: string | undefined
  ownSubgraphs?: string | undefined
  supergraph?: string | undefined
  webhookCa?: string | undefined
  auditHeadFile?: string | undefined
}

/**
 * Throws ConfigError if every user of this machine could change one of the files, for example to
 * take rights. Servers check it; commands do not, because checkouts for builds are often open to all.
 */
export function refuseOpenFiles(files: DecidingFiles): void {
  const { access, sources, ownSubgraphs, supergraph, webhookCa, auditHeadFile } = files
  for (const file of [access, sources, ownSubgraphs, supergraph, webhookCa, auditHeadFile]) {
    const why = file === undefined ? null : openToAll(file)
    if (why) throw new ConfigError(`${file} is not safe: ${why}`)
  }
}
