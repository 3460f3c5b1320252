import { InvalidArgumentError, Option } from 'commander'
import { readDevelopmentSecret } from '../../../gateway/identity/developmentSecret.ts'
import { isLoopback } from '../../../gateway/identity/loopback.ts'
import { CONFIG } from '../../config/config.ts'

export const TOKEN_VARIABLE = 'TOUCHSTONE_TOKEN'

/** The options of a command that asks a running gateway: its port on this machine, and the token. */
export function portOption(): Option {
  return new Option('--port <port>', 'port of the gateway of this machine, without --url')
    .env(CONFIG.port.env)
    .argParser(gatewayPort)
    .default(Number(CONFIG.port.default), CONFIG.port.default)
}

export function tokenOption(): Option {
  return new Option(
    '--token <text>',
    'token or API key, only as a variable, because all users can read flags; a gateway of this machine without authentication needs none if its data directory is here',
  ).env(TOKEN_VARIABLE)
}

/**
 * Returns the headers that authenticate one request. They are read again for each: a restarted
 * gateway has another secret.
 */
export function credentials({
  token,
  url,
  dataDir,
}: {
  token?: string | undefined
  url: string
  dataDir: string
}): Record<string, string> {
  // The secret of a start never leaves this machine.
  const bearer =
    token ?? (isLoopback(new URL(url).hostname) ? readDevelopmentSecret(dataDir) : null)
  return bearer ? { authorization: `Bearer ${bearer}` } : {}
}

/** Parses the URL of a gateway. Throws InvalidArgumentError. */
export function webUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError('It must be a URL like http://127.0.0.1:4000/graphql.')
  return text
}

function gatewayPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535)
    throw new InvalidArgumentError(
      'It must be a port from 1 to 65535; or name the gateway with --url.',
    )
  return port
}
