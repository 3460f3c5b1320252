import { resolve } from 'node:path'
import { Command } from 'commander'
import { graphiqlLink } from '../../gateway/http/graphiqlLink.ts'
import { readDevelopmentSecret } from '../../gateway/identity/developmentSecret.ts'
import { type Config, withConfig } from '../config/config.ts'
import { print } from '../terminal/print.ts'

const SETTINGS = ['port', 'dataDir'] as const

export const command = withConfig(
  new Command('link').description(
    'print the link that opens GraphiQL as the development caller, for a gateway on this machine without authentication',
  ),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
The link holds the secret of the latest start. The same secret is in the file development-secret in the data directory,
which only its owner can read:
  curl -s http://127.0.0.1:4000/graphql -H "authorization: Bearer $(cat data/development-secret)" \\
    -H 'content-type: application/json' -d '{"query":"{ customers(first: 1) { nodes { name } } }"}'`,
  )
  .action(({ port, dataDir }: Config<(typeof SETTINGS)[number]>) => {
    const secret = readDevelopmentSecret(dataDir)
    if (secret === null)
      throw new Error(
        `no development secret in ${resolve(dataDir)}: start Touchstone on this directory first, ` +
          'or name the directory of a running one with --data-dir or TOUCHSTONE_DATA_DIR',
      )
    print(graphiqlLink(`http://127.0.0.1:${port}/graphql`, secret))
  })
