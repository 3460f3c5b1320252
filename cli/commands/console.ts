import { Command } from 'commander'
import { buildConsole, consoleFolder } from '../server/consoleBuild.ts'
import { print } from '../terminal/print.ts'

const build = new Command('build')
  .description('build the pages of the console, unless they are of the present sources')
  .action(async () => {
    const seconds = await buildConsole()
    print(
      seconds === null
        ? `The console is built already: ${consoleFolder}`
        : `The console was built in ${seconds.toFixed(1)} s: ${consoleFolder}`,
    )
  })

export const command = new Command('console')
  .description('the console, which the gateway serves at /console')
  .addCommand(build)
  .addHelpText(
    'after',
    `
"npm ci" builds it, and so does a start that finds other sources. An image whose package no process may write is built with
it:
  npx touchstone console build`,
  )
