import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { DEVELOPMENT_KEY_FILE, developmentToken } from '../../gateway/identity/development.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openAccess } from '../server/authentication.ts'
import { print } from '../terminal/print.ts'
import { parseActor } from './input/parseActor.ts'
import { parseDuration } from './input/parseDuration.ts'

const SETTINGS = ['dataDir', 'authAudience', 'access'] as const

interface Options extends Config<(typeof SETTINGS)[number]> {
  actor: string
  role: string[]
  expires: number
  region?: string[]
  legalEntity?: string[]
}

export const command = withConfig(
  new Command('token')
    .description(
      'print a development token, for a gateway on this machine without a configured issuer',
    )
    .requiredOption('--role <names...>', 'roles of config/access.yaml')
    .option('--actor <name>', 'actor that the token names', parseActor, 'ada')
    .option(
      '--region <names...>',
      'regions whose records it may read, if row rights are configured; "*" for all',
    )
    .option('--legal-entity <names...>', 'legal entities whose records it may read, likewise')
    .addOption(
      new Option('--expires <duration>', 'how long it is valid: 90s, 15m, 8h, 7d')
        .argParser(parseDuration)
        .default(8 * 3_600, '8h'),
    ),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
The token is signed with a key in the data directory that only its owner can read. A gateway with a configured issuer,
or one that listens beyond this machine, rejects it.

Example:
  curl -s http://127.0.0.1:4000/graphql -H "authorization: Bearer $(npx touchstone token --role reader)" \\
    -H 'content-type: application/json' -d '{"query":"{ customers(first: 1) { nodes { name } } }"}'`,
  )
  .action(
    async ({
      actor,
      role: roles,
      expires,
      region: regions,
      legalEntity: legalEntities,
      ...o
    }: Options) => {
      const known = openAccess(o).roles
      for (const role of roles)
        if (!known.includes(role))
          throw new Error(`there is no role "${role}"; there are ${known.join(', ')}`)
      // A new key would sign tokens that no gateway accepts.
      if (!existsSync(join(o.dataDir, DEVELOPMENT_KEY_FILE)))
        throw new Error(
          `no development key in ${resolve(o.dataDir)}: start Touchstone on this directory first, ` +
            'or name the directory of a running one with --data-dir or TOUCHSTONE_DATA_DIR',
        )
      print(
        await developmentToken(o.dataDir, o.authAudience, {
          actor,
          roles,
          regions,
          legalEntities,
          seconds: expires,
        }),
      )
    },
  )
