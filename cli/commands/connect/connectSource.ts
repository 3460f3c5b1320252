import { dirname, relative, resolve } from 'node:path'
import type { SourceConnection } from '../../../connectors/connection/sourceConnection.ts'
import { findKind, KINDS } from '../../../connectors/kinds.ts'
import {
  type ConfiguredSource,
  kindFile,
  openDefinition,
  sourceNameSchema,
  sourcesIn,
} from '../../../connectors/sources.ts'
import { parseYaml } from '../../../connectors/yamlFile.ts'
import { ROLES, type Role } from '../../../schema/policy.ts'
import type { Config } from '../../config/config.ts'
import { packagePath } from '../../config/packagePath.ts'
import { print, printError } from '../../terminal/print.ts'
import { askUntil, askYes, type Dialog } from '../input/dialog.ts'
import {
  askPrivate,
  askSettings,
  connectionValue,
  type GivenSettings,
  settingsOfFlags,
} from './settings.ts'
import { entryText, type SourceEntry, sourcesSoFar, writeEntry } from './sourcesFile.ts'
import { missingSecrets, type Trial, tryConnection } from './trial.ts'

export interface ConnectFlags extends Config<'sources'> {
  name?: string
  role?: Role
  trust?: number
  set: string[]
  secret: string[]
  pass: string[]
  objects?: string[]
  every?: string
  definition?: string
  mapping?: string
  privateAddresses: boolean
  yes: boolean
  dryRun: boolean
  test: boolean
  untested: boolean
}

/** The role of a kind's systems; one of your own is asked for. */
const ROLE_OF_KIND = new Map<string, Role>([
  ...['salesforce', 'hubspot', 'dataverse'].map((kind) => [kind, 'CRM'] as const),
  ...['stripe', 'zuora', 'chargebee'].map((kind) => [kind, 'BILLING'] as const),
  ...['netsuite', 'sap', 'oracle', 'finance'].map((kind) => [kind, 'ERP'] as const),
  ['gainsight', 'SUCCESS'],
])
/** Trust counts where no system of record decides. */
const TRUST: Record<Role, number> = { CRM: 0.8, BILLING: 0.7, ERP: 0.9, SUCCESS: 0.5, USAGE: 0.5 }

/** The kinds whose systems can be asked. */
export const ASKED_KINDS = KINDS.map((k) => k.name).filter(
  (kind) => kindFile(kind, 'connection.yaml') !== null,
)

/** Connects a source system; without a dialog all settings come from flags. */
export async function connectSource(
  kind: string,
  flags: ConnectFlags,
  dialog: Dialog | null,
): Promise<void> {
  const path = flags.sources ?? packagePath('config/sources.yaml')
  const file = relative(process.cwd(), path)
  if (!findKind(kind))
    throw new Error(`there is no kind "${kind}"; there are ${ASKED_KINDS.join(', ')} and generic`)
  const name = flags.name ?? kind
  const named = sourceNameSchema.safeParse(name)
  if (!named.success) throw new Error(`--name ${name}: ${named.error.issues[0]?.message}`)
  const existing = sourcesSoFar(path).find((s) => s.system.name === name)
  if (existing) {
    refuseOther(existing, kind, flags)
    if (flags.test && existing.connection) {
      await testExisting(name, existing.connection, flags)
      return
    }
    if (existing.connection)
      throw new Error(
        `${file} has ${name} with a connection already: change it there, or choose another --name; --test tests it`,
      )
  }
  const folder = dirname(path)
  const overlays = [
    ...(existing?.mappings ?? []),
    ...(flags.mapping === undefined ? [] : [resolve(flags.mapping)]),
  ]
  const own = flags.definition === undefined ? null : resolve(flags.definition)
  const definition = openDefinition(kind, own, overlays)
  if (!definition)
    throw new Error(
      `the kind ${kind} has no connection.yaml: name one of your own with --definition; connectors/connection/README.md says how to write it`,
    )
  const given = settingsOfFlags(definition, flags, folder)
  if (dialog) await askSettings(definition, given, name, folder, dialog)
  const role =
    existing?.system.role ?? flags.role ?? ROLE_OF_KIND.get(kind) ?? (await askRole(dialog))
  const trust = existing?.system.trust ?? flags.trust ?? TRUST[role]
  const system = { name, kind, role, trust }
  const entryOf = (objects = flags.objects): SourceEntry => ({
    ...system,
    ...(flags.mapping === undefined ? {} : { mapping: relative(folder, resolve(flags.mapping)) }),
    connection: {
      ...(own === null ? {} : { definition: relative(folder, own) }),
      ...connectionValue(definition, given),
      ...(objects === undefined ? {} : { objects }),
      ...(flags.every === undefined ? {} : { every: flags.every }),
    },
  })
  const check = () => connectionOf(entryOf(), existing, folder)
  const checked = check()
  if (flags.dryRun) {
    const { connection, ...rest } = entryOf()
    const text = entryText(existing ? { connection } : { ...rest, connection }).trimEnd()
    print(...text.split('\n').map((line) => (existing ? line.slice(2) : line)))
  }
  if (flags.dryRun || flags.untested)
    for (const problem of await missingSecrets(name, checked, process.env))
      printError(`${problem} here; set it where Touchstone runs`)
  if (flags.dryRun) return
  const objects = flags.untested ? flags.objects : await test(name, check, given, flags, dialog)
  if (objects === null || flags.test) return
  const { line } = writeEntry(path, entryOf(objects), process.env)
  print(
    existing ? `${line}: ${name} has connection: now` : `${line}: ${name} is configured`,
    `Start Touchstone again to read it; "npx touchstone sync status ${name}" shows how far it is.`,
  )
}

/**
 * Tests the connection, again after a question was answered. Returns the objects of the entry
 * (undefined: all), or null if it must not be written.
 */
async function test(
  name: string,
  connection: () => SourceConnection,
  given: GivenSettings,
  flags: ConnectFlags,
  dialog: Dialog | null,
): Promise<string[] | undefined | null> {
  for (;;) {
    const trial = await tryIt(name, connection())
    const { stopped } = trial
    if (stopped) {
      if (dialog && stopped.code === 'PRIVATE_ADDRESS' && !given.privateAddresses) {
        given.privateAddresses = await askPrivate(dialog)
        if (given.privateAddresses) continue
      }
      if (dialog && !flags.test && (await askYes(dialog, 'Write the entry nevertheless?')))
        return flags.objects
      return refuse(flags, stopped.code === 'PRIVATE_ADDRESS' ? ' (--private-addresses)' : '')
    }
    const failed = trial.checks.filter((c) => c.problem).map((c) => c.object)
    if (failed.length === 0) return flags.objects
    const others = trial.checks.filter((c) => !c.problem).map((c) => c.object)
    if (dialog && !flags.test) {
      if (others.length > 0 && (await askYes(dialog, `Leave out ${failed.join(', ')}?`)))
        return others
      if (await askYes(dialog, 'Write the entry with all of them nevertheless?'))
        return flags.objects
    }
    return refuse(
      flags,
      others.length > 0 ? `; to leave out what cannot be read: --objects ${others.join(',')}` : '',
    )
  }
}

function refuse(flags: ConnectFlags, hint: string): null {
  process.exitCode = 1
  printError(flags.test ? `The test failed${hint}.` : `Nothing was written${hint}.`)
  return null
}

async function testExisting(
  name: string,
  connection: SourceConnection,
  flags: ConnectFlags,
): Promise<void> {
  const given = [...flags.set, ...flags.secret, ...(flags.objects ?? []), flags.every ?? []].flat()
  if (given.length > 0 || flags.privateAddresses)
    throw new Error(
      `${name} is tested as it is configured; --test with settings needs another --name`,
    )
  const { stopped, checks } = await tryIt(name, connection)
  if (stopped || checks.some((c) => c.problem)) refuse(flags, '')
}

async function tryIt(name: string, connection: SourceConnection): Promise<Trial> {
  // A copy: a sign-in with the values of before is not used again.
  const env = { ...process.env }
  const missing = await missingSecrets(name, connection, env)
  for (const problem of missing)
    print(`NO_SECRET: ${problem}; set it here for the test, and where Touchstone runs`)
  if (missing.length > 0) return { checks: [], stopped: { code: 'NO_SECRET' } }
  return await tryConnection(name, connection, {
    env,
    signal: new AbortController().signal,
    report: (line) => print(line),
  })
}

/** Refuses flags that contradict the entry of that name. */
function refuseOther({ system }: ConfiguredSource, kind: string, flags: ConnectFlags): void {
  if (system.kind !== kind)
    throw new Error(`${system.name} is of the kind ${system.kind}; choose another --name`)
  const given = [
    ...(flags.role === undefined || flags.role === system.role ? [] : ['--role']),
    ...(flags.trust === undefined || flags.trust === system.trust ? [] : ['--trust']),
    ...(flags.mapping === undefined ? [] : ['--mapping']),
  ]
  if (given.length > 0)
    throw new Error(
      `${system.name} exists, and ${given.join(', ')} would change it: only connection: is added to an entry`,
    )
}

/** Reads an entry as the configuration is read. Throws ConfigError. */
function connectionOf(
  entry: SourceEntry,
  existing: ConfiguredSource | undefined,
  folder: string,
): SourceConnection {
  const { mapping, ...rest } = entry
  const mappings = [...(existing?.mappings ?? []), ...(mapping === undefined ? [] : [mapping])]
  const whole = { ...rest, ...(mappings.length > 0 ? { mapping: mappings } : {}) }
  const text = `sources:\n${entryText(whole)}`
  const [source] = sourcesIn(parseYaml(text, 'the new entry'), folder, process.env)
  if (!source?.connection) throw new Error('the new entry has no connection')
  return source.connection
}

async function askRole(dialog: Dialog | null): Promise<Role> {
  if (!dialog) throw new Error(`--role is needed: one of ${ROLES.join(', ')}`)
  return await askUntil<Role>(dialog, `role of the system (${ROLES.join(', ')}):`, (answer) => {
    const role = ROLES.find((r) => r === answer.toUpperCase())
    return role ? { value: role } : { problem: `is one of ${ROLES.join(', ')}` }
  })
}
