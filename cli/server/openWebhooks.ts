import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { secretFile } from '../../gateway/identity/development.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { createPoster } from '../../mdm/webhooks/post.ts'
import { Vault } from '../../mdm/webhooks/secrets.ts'
import type { Webhooks } from '../../mdm/webhooks/webhooks.ts'
import { type Config, ConfigError } from '../config/config.ts'

export const WEBHOOK_CONFIG = [
  'webhookNetworks',
  'webhookPorts',
  'webhookHttp',
  'webhookTimeoutMs',
  'webhookKey',
  'webhookCa',
] as const

/**
 * Where webhooks may go, and what their secrets are sealed with: the keys that are set, else one that all processes on the
 * data directory share.
 */
export async function openWebhooks(
  sql: Sql,
  config: Config<(typeof WEBHOOK_CONFIG)[number] | 'dataDir'>,
): Promise<Webhooks> {
  const make = () => randomBytes(32).toString('base64url')
  const keys = config.webhookKey ?? [await secretFile(config.dataDir, 'webhook-key', make)]
  const reach = {
    networks: config.webhookNetworks ?? [],
    http: config.webhookHttp === 'allowed',
    ports: config.webhookPorts,
  }
  return {
    sql,
    vault: new Vault(keys.map((key) => createHash('sha256').update(key).digest())),
    reach,
    poster: createPoster({ reach, timeoutMs: config.webhookTimeoutMs, authorities: authorities(config.webhookCa) }),
  }
}

function authorities(file: string | undefined): string[] | undefined {
  if (!file) return undefined
  try {
    const found = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    if (found.length === 0) throw new Error(`${file} holds no certificate in PEM`)
    return found.map((pem) => new X509Certificate(pem).toString())
  } catch (e) {
    throw new ConfigError(`TOUCHSTONE_WEBHOOK_CA: ${e instanceof Error ? e.message : e}`)
  }
}
