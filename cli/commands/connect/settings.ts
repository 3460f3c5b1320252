import type { Setting } from '../../../connectors/connection/definition/settings.ts'
import { defaultOf, settingValue } from '../../../connectors/connection/definition/settingValue.ts'
import type { Definition } from '../../../connectors/connection/definition.ts'
import type { SecretReference } from '../../../connectors/connection/secrets.ts'
import { askUntil, askYes, type Dialog } from '../input/dialog.ts'
import { parseSecretReference, referenceValue, SECRET_FORMS } from './secretReference.ts'

/** What a person gave for the settings of a definition. */
export interface GivenSettings {
  /** Texts, addresses and numbers by name; a default that nobody changed is absent. */
  values: Map<string, string>
  secrets: Map<string, SecretReference>
  privateAddresses: boolean
}

interface Flags {
  set: readonly string[]
  secret: readonly string[]
  pass: readonly string[]
  privateAddresses: boolean
}

/** Reads the settings of flags. Throws an error that names the flag and what is right. */
export function settingsOfFlags(
  definition: Definition,
  { set, secret, pass, privateAddresses }: Flags,
  folder: string,
): GivenSettings {
  const given: GivenSettings = { values: new Map(), secrets: new Map(), privateAddresses }
  for (const [flag, texts] of [
    ['--set', set],
    ['--secret', secret],
  ] as const)
    for (const text of texts) {
      const [, name = '', value = ''] = /^([^=]*)=(.*)$/su.exec(text) ?? []
      const setting = definition.settings.get(name)
      if (!setting)
        throw new Error(
          `${flag} is name=value, and there is no setting ${name === '' ? 'without a name' : `"${name}"`}; there are ${[...definition.settings.keys()].join(', ')}`,
        )
      if (given.values.has(name) || given.secrets.has(name))
        throw new Error(`${name} is given twice`)
      if ((setting.is === 'secret') !== (flag === '--secret'))
        throw new Error(
          setting.is === 'secret'
            ? `${name} is a secret: give it by reference, as --secret ${name}=env:NAME`
            : `${name} is no secret: --set ${name}=…`,
        )
      const read =
        setting.is === 'secret'
          ? parseSecretReference(value, folder, pass)
          : settingValue(setting, value.trim(), privateAddresses)
      if ('problem' in read) throw new Error(`${flag} ${name}: ${hinted(read.problem)}`)
      if (typeof read.value === 'string') given.values.set(name, read.value)
      else given.secrets.set(name, read.value)
    }
  return given
}

function hinted(problem: string): string {
  return problem.includes('privateAddresses')
    ? `${problem} (--private-addresses), for a system in your own network`
    : problem
}

/** Asks for the settings that are still missing, then shows the others, which may be changed. */
export async function askSettings(
  definition: Definition,
  given: GivenSettings,
  source: string,
  folder: string,
  dialog: Dialog,
): Promise<void> {
  const way = await askWay(definition, given, dialog)
  const otherWays = new Set(definition.auth.filter((w) => w !== way).flatMap((w) => [...w.names]))
  const settings = [...definition.settings.values()].filter(
    ({ name }) => way.names.has(name) || !otherWays.has(name),
  )
  const parts = new Set(settings.flatMap((s) => [...(s.default?.names ?? [])]))
  const ask = (setting: Setting, isOptional: boolean) =>
    setting.is === 'secret'
      ? askSecret(setting, given, source, folder, dialog)
      : askValue(setting, given, isOptional, dialog)
  const isMissing = ({ name }: Setting) => !given.values.has(name) && !given.secrets.has(name)
  for (const setting of settings.filter(isMissing)) {
    if (setting.default) continue
    const isNeeded = way.names.has(setting.name) || !setting.optional
    if (isNeeded || parts.has(setting.name)) await ask(setting, !isNeeded)
  }
  for (const setting of settings.filter(isMissing))
    if (setting.default && !setting.optional && currentValue(setting, settings, given) === null)
      await ask(setting, false)
  await askOthers(
    settings.filter((s) => isMissing(s) && s.is !== 'secret'),
    settings,
    given,
    dialog,
  )
}

/** Asks which way to sign in is meant, where the definition has several and flags show none. */
async function askWay(
  { auth, settings }: Definition,
  given: GivenSettings,
  dialog: Dialog,
): Promise<Definition['auth'][number]> {
  const distinct = (way: Definition['auth'][number]) =>
    [...way.names].filter((name) => !auth.every((other) => other.names.has(name)))
  const [first] = auth
  if (!first) throw new Error('the definition has no way to sign in')
  const meant = auth.find((way) =>
    distinct(way).some((name) => given.values.has(name) || given.secrets.has(name)),
  )
  if (meant) return meant
  if (auth.length === 1) return first
  dialog.say('There are several ways to sign in:')
  for (const [i, way] of auth.entries()) {
    const names = distinct(way).map((name) => `${name} (${settings.get(name)?.help ?? ''})`)
    dialog.say(`  ${i + 1}. with ${names.join(', ')}`)
  }
  return await askUntil<Definition['auth'][number]>(
    dialog,
    `Which one, 1 to ${auth.length}? [1]`,
    (answer) => {
      const way = auth[Number(answer || '1') - 1]
      return way ? { value: way } : { problem: `must be a number from 1 to ${auth.length}` }
    },
  )
}

async function askValue(
  setting: Setting,
  given: GivenSettings,
  isOptional: boolean,
  dialog: Dialog,
): Promise<void> {
  const { name } = setting
  const leaves = isOptional ? '; Enter leaves it out' : ''
  for (;;) {
    const answer = await dialog.ask(`${name}${explained(setting)}${leaves}:`)
    if (answer === '' && isOptional) return
    if (answer === '') dialog.say('  is needed')
    else if (await takeValue(setting, answer, given, dialog)) return
  }
}

/** Takes a value that fits. Asks whether a system without https is in the own network. */
async function takeValue(
  setting: Setting,
  answer: string,
  given: GivenSettings,
  dialog: Dialog,
): Promise<boolean> {
  const read = settingValue(setting, answer, given.privateAddresses)
  if ('value' in read) {
    given.values.set(setting.name, read.value)
    return true
  }
  dialog.say(`  ${read.problem}`)
  if (!('value' in settingValue(setting, answer, true))) return false
  if (!(await askPrivate(dialog))) return false
  given.privateAddresses = true
  return await takeValue(setting, answer, given, dialog)
}

/** Asks whether http, and hosts in private networks, are meant. */
export async function askPrivate(dialog: Dialog): Promise<boolean> {
  return await askYes(
    dialog,
    'Is the system in your own network? Yes allows http and private addresses for it.',
  )
}

async function askSecret(
  setting: Setting,
  given: GivenSettings,
  source: string,
  folder: string,
  dialog: Dialog,
): Promise<void> {
  const { name } = setting
  const suggested = `env:${variableOf(source)}_${variableOf(name)}`
  dialog.say(`${name} is a secret${explained(setting)}: ${SECRET_FORMS}.`)
  for (;;) {
    // People paste the secret itself here: it must not stay on the screen.
    const answer = (await dialog.askHidden(`${name}, not shown [${suggested}]:`)) || suggested
    let read = parseSecretReference(answer, folder)
    if ('value' in read && 'command' in read.value) {
      const names = await dialog.ask('Variables that it gets, with commas; Enter for none:')
      const pass = names.split(',').flatMap((n) => n.trim() || [])
      read = parseSecretReference(answer, folder, pass)
    }
    if ('value' in read) {
      given.secrets.set(name, read.value)
      dialog.say(`  read from ${placeOf(read.value)}`)
      return
    }
    dialog.say(`  ${read.problem}`)
  }
}

/** Names the place of a secret; arguments of a command are not shown, they may be secrets. */
function placeOf(reference: SecretReference): string {
  if ('env' in reference) return reference.env
  return 'file' in reference ? reference.file : `the command ${reference.command[0]}`
}

async function askOthers(
  others: readonly Setting[],
  all: readonly Setting[],
  given: GivenSettings,
  dialog: Dialog,
): Promise<void> {
  if (others.length === 0) return
  dialog.say('Other settings:')
  for (const setting of others)
    dialog.say(
      `  ${setting.name} = ${currentValue(setting, all, given) ?? 'not set'}${explained(setting)}`,
    )
  for (;;) {
    const answer = await dialog.ask('Change one with name=value; Enter goes on:')
    if (answer === '') return
    const [, name = '', value = ''] = /^([^=]*?)\s*=\s*(.*)$/su.exec(answer) ?? []
    const setting = others.find((s) => s.name === name)
    if (!setting) dialog.say(`  is one of ${others.map((s) => `${s.name}=…`).join(', ')}`)
    else await takeValue(setting, value, given, dialog)
  }
}

/** Returns the value that a setting has: the given one, else its default; null for none. */
function currentValue(
  setting: Setting,
  all: readonly Setting[],
  { values }: GivenSettings,
): string | null {
  const known = new Map(values)
  for (const other of all) {
    const value = known.get(other.name) ?? defaultOf(other, known)
    if (value !== null) known.set(other.name, value)
    if (other === setting) return value
  }
  return null
}

/** Returns the settings as they stand below `connection:`, in the order of the definition. */
export function connectionValue(
  { settings }: Definition,
  { values, secrets, privateAddresses }: GivenSettings,
): Record<string, unknown> {
  const entries = [...settings.values()].flatMap(({ name, is }): [string, unknown][] => {
    const secret = secrets.get(name)
    if (secret) return [[name, referenceValue(secret)]]
    const value = values.get(name)
    if (value === undefined) return []
    return [[name, is === 'number' ? Number(value) : value]]
  })
  return Object.fromEntries([
    ...entries,
    ...(privateAddresses ? [['privateAddresses', true] as const] : []),
  ])
}

function explained({ help }: Setting): string {
  return help === '' ? '' : ` (${help})`
}

function variableOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase()
}
