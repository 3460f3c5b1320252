import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { durationText } from '../../connectors/connection/definition/shape.ts'
import type { JudgedTarget, WriteTarget } from '../../connectors/writeTarget.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import {
  heldSources,
  type Installation,
  judgeByActivePolicy,
  openInstallation,
  usableConnector,
} from '../config/installation.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print, printError } from '../terminal/print.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const

export const command = withConfig(
  new Command('sources')
    .description('check the configured source systems and their mappings, and list them')
    .argument('[name]', 'source system whose objects are listed'),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Mappings are judged by the active policy of the database; without a database by the shipped model. A system with a
mistake in its mapping is held: its messages are stored, and wait until the mapping is right.

With a name, its objects, and what of golden records is written to it (write: in config/sources.yaml).

Exit code 1: a mistake in config/sources.yaml or a mapping, named with its file and line.

Examples:
  npx touchstone sources
  npx touchstone sources salesforce`,
  )
  .action(async (name: string | undefined, options: Config<(typeof SETTINGS)[number]>) => {
    const installation = openInstallation(options.sources)
    const { systems, connectors, connections, files } = installation
    if (name !== undefined && !connectors.has(name))
      throw new Error(
        `no source system "${name}"; there are ${systems.map((s) => s.name).join(', ')}`,
      )
    await judge(installation, options)
    if (name === undefined) {
      for (const s of systems) {
        const secrets = s.developmentSecret
          ? 'development secret'
          : counted(s.secrets.length, 'secret')
        const { held, objects = [] } = connectors.get(s.name) ?? {}
        const { everyMs } = connections.get(s.name) ?? {}
        const asked = everyMs === undefined ? 'not asked' : `asked every ${durationText(everyMs)}`
        const ofFiles = files.get(s.name)
        const read = ofFiles ? `  files every ${durationText(ofFiles.everyMs)}` : ''
        print(
          `${s.name.padEnd(20)} ${s.kind.padEnd(12)} ${s.role.padEnd(8)} trust ${s.trust.toFixed(2)}  ${held === undefined ? counted(objects.length, 'object') : 'HELD'}  ${secrets}  ${asked}${read}${modeOf(installation.targets.get(s.name))}`,
        )
      }
      for (const { source, mistake } of heldSources(connectors)) {
        printError(`${source} is held: ${mistake}`)
        process.exitCode = 1
      }
      for (const { source, held } of installation.targets.values()) {
        if (held === null || connectors.get(source)?.held !== undefined) continue
        printError(`nothing is written to ${source}: ${held}`)
        process.exitCode = 1
      }
      return
    }
    const ofFiles = files.get(name)
    for (const object of usableConnector(installation, name).objects) {
      const names = ofFiles?.objects.get(object.name)?.pattern.text
      print(
        `${object.name.padEnd(40)} ${object.as}${names === undefined ? '' : `  files ${names}`}`,
      )
    }
    const target = installation.targets.get(name)
    if (target?.held) {
      printError(`nothing is written to ${name}: ${target.held}`)
      process.exitCode = 1
    }
    for (const line of target?.target ? writeLines(target.target) : []) print(line)
  })

function modeOf(target: JudgedTarget | undefined): string {
  if (!target) return ''
  return `  write ${target.held === null ? target.mode.toLowerCase() : 'HELD'}`
}

/** Shows what is written of each golden type. */
function writeLines({ mode, types, limits }: WriteTarget): string[] {
  return [
    `write: ${mode.toLowerCase()}, at most ${limits.perMinute} a minute, ${limits.perDay} a day; asks beyond ${limits.changedRecordsMax} changed records`,
    ...[...types].flatMap(([type, { objects, update, createWhen, createFields }]) => [
      `  ${type} in ${objects.join(', ')}: ${update.join(', ') || 'no update'}`,
      ...(createWhen
        ? [
            `    new where ${[...createWhen].map(([field, values]) => `${field} is ${values.join(' or ')}`).join(' and ') || 'there is none'}: ${createFields.join(', ')}`,
          ]
        : []),
    ]),
  ]
}

/** Judges the mappings by the active policy if there is a database; creates none. */
async function judge(
  installation: Installation,
  config: Config<(typeof SETTINGS)[number]>,
): Promise<void> {
  if (!config.databaseUrl && !existsSync(join(config.dataDir, 'postgres'))) return
  await withDatabase({ config, connectionsMax: 1, notify: () => {} }, (sql) =>
    judgeByActivePolicy(sql, installation),
  )
}
