import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { readDevelopmentSecret } from '../../gateway/identity/developmentSecret.ts'
import { document, files } from './documents.ts'

/**
 * `node test/docs/runClients.ts URL [PAGE…]`: runs the recipes of docs/clients as a reader would,
 * each in a temporary folder: it writes the blocks that name a file, and runs the blocks of shell
 * commands, in their order. It needs a running server with data, its data directory
 * (TOUCHSTONE_DATA_DIR) or a TOUCHSTONE_TOKEN, the npm registry, curl and Python 3, so it is no
 * part of `npm test`.
 */
const dataDir = process.env.TOUCHSTONE_DATA_DIR ?? 'data'
const [url, ...pages] = process.argv.slice(2)
if (!url) throw new Error('give the URL of a running server: http://127.0.0.1:4000/graphql')
const recipes = files.filter(
  (path) => /^docs\/clients\/.*\.md$/.test(path) && basename(path) !== 'README.md',
)
const chosen = pages.length > 0 ? pages : recipes

for (const path of chosen) {
  console.log(`== ${path}`)
  const folder = mkdtempSync(join(tmpdir(), 'touchstone-client-'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  try {
    for (const { language, file, text } of document(path).blocks) {
      if (file !== '') {
        mkdirSync(dirname(join(folder, file)), { recursive: true })
        writeFileSync(join(folder, file), text)
      } else if (language === 'sh' && !text.startsWith('npx touchstone ')) {
        const commands = text.replaceAll('http://127.0.0.1:4000/graphql', url)
        execFileSync('bash', ['-euo', 'pipefail', '-c', reportsTimeout(commands)], {
          cwd: folder,
          stdio: 'inherit',
          env: {
            ...process.env,
            TOUCHSTONE_URL: url,
            TOUCHSTONE_TOKEN: process.env.TOUCHSTONE_TOKEN ?? readDevelopmentSecret(dataDir) ?? '',
          },
        })
        console.log()
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Accepts the exit code 28 of curl, which ends a stream after its time. */
function reportsTimeout(commands: string): string {
  return commands.includes('--max-time') ? `${commands.trimEnd()} || [ $? = 28 ]` : commands
}
