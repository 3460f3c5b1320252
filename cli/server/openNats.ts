import { readFileSync } from 'node:fs'
import type { NatsOptions } from '../../mdm/jetstream/stream.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import { untrustedPart } from '../../schema/kit/trustedPath.ts'
import type { Config } from '../config/config.ts'

export const NATS_CONFIG = [
  'natsUrl',
  'natsCredentials',
  'natsStream',
  'natsSubject',
  'natsReplicas',
  'natsScopes',
] as const
export type NatsConfig = Config<(typeof NATS_CONFIG)[number]>

/**
 * Returns the configured connection options of NATS, or null if it is not configured. Throws
 * ConfigError.
 */
export function natsOptions(config: NatsConfig): NatsOptions | null {
  if (!config.natsUrl) return null
  return {
    servers: config.natsUrl,
    credentials: config.natsCredentials && readCredentials(config.natsCredentials),
    stream: config.natsStream,
    subject: config.natsSubject,
    replicas: config.natsReplicas,
  }
}

function readCredentials(file: string): string {
  const untrusted = untrustedPart(file)
  if (untrusted)
    throw new ConfigError(`TOUCHSTONE_NATS_CREDENTIALS: ${file} is not safe: ${untrusted}`)
  try {
    return readFileSync(file, 'utf8')
  } catch (e) {
    throw new ConfigError(`TOUCHSTONE_NATS_CREDENTIALS: ${e instanceof Error ? e.message : e}`)
  }
}
