import { randomBytes } from 'node:crypto'
import { secretFile } from '../../gateway/identity/development.ts'
import { type InternalTokens, internalTokens } from '../../gateway/identity/internal.ts'
import type { Config } from '../config/config.ts'

/**
 * Opens the internal secret of this installation: the configured one, otherwise one that all
 * processes on the data directory share.
 */
export async function openInternalTokens(
  config: Config<'internalSecret' | 'dataDir'>,
): Promise<InternalTokens> {
  const make = () => randomBytes(32).toString('base64url')
  return internalTokens(
    config.internalSecret ?? (await secretFile(config.dataDir, 'internal-secret', make)),
  )
}
