import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { askModels } from '../server/modelClient.ts'
import type { ModelRequest } from '../server/modelControl.ts'
import { print, printJson } from '../terminal/print.ts'

const SETTINGS = ['dataDir'] as const
type Settings = Config<(typeof SETTINGS)[number]>

const listedMax = 20

const list = withConfig(
  new Command('list').description('list the model systems with their objects'),
  SETTINGS,
).action(async (settings: Settings) => {
  const answer = await ask(settings, { do: 'list' })
  for (const { name, url, objects } of 'systems' in answer ? answer.systems : [])
    print(
      `${name.padEnd(12)} ${url}`,
      ...objects
        .filter((o) => o.records > 0)
        .map((o) => `  ${o.name.padEnd(20)} ${counted(o.records, 'record')}`),
    )
})

const show = withConfig(
  new Command('show')
    .description('show a record of a model system as JSON; without an id list some of them')
    .argument('<system>', 'model system')
    .argument('<object>', 'object, as the vendor calls it')
    .argument('[id]', 'id of the record there'),
  SETTINGS,
).action(async (system: string, object: string, id: string | undefined, settings: Settings) => {
  const records = recordsOf(await ask(settings, { do: 'show', system, object, id: id ?? null }))
  if (id !== undefined) for (const { record } of records) printJson(record, 2)
  else
    for (const { id: key, record, deleted } of records.slice(0, listedMax))
      print(`${key.padEnd(40)} ${deleted ? 'deleted' : labelOf(record)}`)
  if (id === undefined && records.length > listedMax)
    print(`… ${counted(records.length - listedMax, 'more record')}`)
})

const change = withConfig(
  new Command('change')
    .description('change a record of a model system, as a user of that system does')
    .argument('<system>', 'model system')
    .argument('<object>', 'object, as the vendor calls it')
    .argument('<id>', 'id of the record there; new creates one')
    .argument('<field=value...>', 'fields by the names of the vendor', collectField),
  SETTINGS,
).action(
  async (
    system: string,
    object: string,
    id: string,
    fields: [string, unknown][],
    settings: Settings,
  ) => {
    const records = recordsOf(
      await ask(settings, {
        ...{ do: 'change', system, object, id: id === 'new' ? null : id },
        fields: Object.fromEntries(fields),
      }),
    )
    for (const record of records) print(`${system}/${object}/${record.id}: changed in the model`)
  },
)

const remove = withConfig(
  new Command('remove')
    .description('delete a record of a model system, as a user of that system does')
    .argument('<system>', 'model system')
    .argument('<object>', 'object, as the vendor calls it')
    .argument('<id>', 'id of the record there'),
  SETTINGS,
).action(async (system: string, object: string, id: string, settings: Settings) => {
  await ask(settings, { do: 'remove', system, object, id })
  print(`${system}/${object}/${id}: deleted in the model`)
})

export const command = new Command('systems')
  .description('work in the model source systems of the demo: npm start -- --systems')
  .addCommand(list)
  .addCommand(show)
  .addCommand(change)
  .addCommand(remove)
  .addHelpText(
    'after',
    `
Examples:
  npx touchstone systems list
  npx touchstone systems show hubspot companies
  npx touchstone systems change hubspot companies 9000000001 lifecyclestage=customer
  npx touchstone systems remove hubspot companies 9000000040`,
  )

/** Asks the process that runs the models. Throws an error that says what to start. */
async function ask({ dataDir }: Settings, request: ModelRequest) {
  const answer = await askModels(dataDir, request)
  if (answer) return answer
  throw new Error(
    `no model systems run on ${resolve(dataDir)}: start them with "npm start -- --systems", or name the directory with --data-dir`,
  )
}

function recordsOf(answer: Awaited<ReturnType<typeof ask>>) {
  return 'records' in answer ? answer.records : []
}

/** Returns a name of a record, where it has one. */
function labelOf(record: unknown): string {
  const fields = record as Record<string, unknown>
  const properties = (ownValue(fields, 'properties') ?? {}) as Record<string, unknown>
  for (const name of NAMES)
    for (const from of [fields, properties]) {
      const value = ownValue(from, name)
      if (typeof value === 'string' && value !== '') return value
    }
  return ''
}
const NAMES = ['name', 'Name', 'company', 'OrganizationName', 'ContactName', 'email', 'dealname']

/** Parses field=value. A value that is JSON is taken as it is meant; another one is a text. */
function collectField(text: string, before: [string, unknown][] | undefined): [string, unknown][] {
  const [, name, value = ''] = /^([^=]+)=(.*)$/su.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('It must be field=value.')
  return [
    ...(before ?? []),
    [name, /^(-?\d|true|false|null|[[{"])/.test(value) ? jsonOf(value) : value],
  ]
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (e) {
    if (e instanceof SyntaxError) return text
    throw e
  }
}
