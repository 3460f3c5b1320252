import { Command, InvalidArgumentError, Option } from 'commander'
import { ROLES } from '../../schema/policy.ts'
import { withConfig } from '../config/config.ts'
import { printError } from '../terminal/print.ts'
import { ASKED_KINDS, type ConnectFlags, connectSource } from './connect/connectSource.ts'
import { InputEnded, openDialog } from './input/dialog.ts'

const SETTINGS = ['sources'] as const
const list = (text: string) => text.split(',').flatMap((t) => t.trim() || [])
const collect = (text: string, before: string[]) => [...before, text]

export const command = withConfig(
  new Command('connect')
    .description(
      'connect a source system that can be asked: test the credential and write its entry into config/sources.yaml',
    )
    .argument(
      '<kind>',
      `kind of the system: ${ASKED_KINDS.join(', ')}, or generic with --definition`,
    )
    .option('--name <name>', 'name of the source system (default: the kind)')
    .addOption(new Option('--role <role>', 'role of the system').choices(ROLES))
    .option('--trust <number>', 'trust, from 0 to 1 (default: by the role)', parseTrust)
    .option('--set <name=value>', 'a setting of the kind; repeat it for others', collect, [])
    .option(
      '--secret <name=reference>',
      'where a secret is read: name=env:VARIABLE, name=file:PATH or "name=command:PROGRAM ARGUMENTS"',
      collect,
      [],
    )
    .option(
      '--pass <variables>',
      'variables that a command of --secret gets, with commas',
      list,
      [],
    )
    .option('--objects <names>', 'only these objects, with commas', list)
    .option('--every <time>', 'how often each object is read, as 5m')
    .option('--definition <file>', 'a connection.yaml of your own')
    .option('--mapping <file>', 'a mapping of your own, or an overlay of that of the kind')
    .option(
      '--private-addresses',
      'the system is in your own network: allow http and private addresses',
      false,
    )
    .option('--yes', 'ask nothing: flags give all settings', false)
    .option('--dry-run', 'print the entry; ask no system and write nothing', false)
    .option('--test', 'test only and write nothing; an existing entry is tested as it is', false)
    .option('--untested', 'write the entry without a test', false),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Settings that no flag gives are asked for. Secrets are given by reference and never written into the file. An entry
of that name without connection: gets one; one that has it is left as it is, and the command is refused.

Exit code 1: nothing was written, or with --test an object cannot be read. With --yes nothing is written while an
object cannot be read: give the permission, or name the others with --objects.

Examples:
  npx touchstone connect chargebee
  npx touchstone connect chargebee --name chargebee-eu --set site=acme --secret apiKey=env:CHARGEBEE_API_KEY --yes
  npx touchstone connect stripe --secret secretKey=file:/run/secrets/stripe --objects customer,invoice --yes
  npx touchstone connect chargebee --test`,
  )
  .action(async (kind: string, flags: ConnectFlags) => {
    const dialog = flags.yes ? null : openDialog()
    try {
      await connectSource(kind, flags, dialog)
    } catch (e) {
      if (!(e instanceof InputEnded)) throw e
      printError('', `Nothing was written: ${e.message}. With --yes nothing is asked.`)
      process.exitCode = 1
    } finally {
      dialog?.close()
    }
  })

function parseTrust(text: string): number {
  const trust = Number(text)
  if (text.trim() === '' || !(trust >= 0 && trust <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.')
  return trust
}
