import { resolve } from 'node:path'
import { Argument, Command } from 'commander'
import { CONSOLE_PATH } from '../../gateway/http/consolePages.ts'
import { GRAPHQL_PATH } from '../../gateway/http/paths.ts'
import { secretLink } from '../../gateway/http/secretLink.ts'
import { readDevelopmentSecret } from '../../gateway/identity/developmentSecret.ts'
import { type Config, withConfig } from '../config/config.ts'
import { print } from '../terminal/print.ts'

const PATHS = { graphiql: GRAPHQL_PATH, console: CONSOLE_PATH }
const SETTINGS = ['port', 'dataDir'] as const

export const command = withConfig(
  new Command('link')
    .description(
      'print the link that opens a page as the development caller, for a gateway on this machine without authentication',
    )
    .addArgument(
      new Argument('[page]', 'the page').choices(Object.keys(PATHS)).default('graphiql'),
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
  .action((page: keyof typeof PATHS, { port, dataDir }: Config<(typeof SETTINGS)[number]>) => {
    const secret = readDevelopmentSecret(dataDir)
    if (secret === null)
      throw new Error(
        `no development secret in ${resolve(dataDir)}: start Touchstone on this directory first, ` +
          'or name the directory of a running one with --data-dir or TOUCHSTONE_DATA_DIR',
      )
    print(secretLink(`http://127.0.0.1:${port}${PATHS[page]}`, secret))
  })
