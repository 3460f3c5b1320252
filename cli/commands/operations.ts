import { Command, InvalidArgumentError } from 'commander'
import { publicSchema } from '../../gateway/federation/publicSchema.ts'
import {
  listOperations,
  type PublishedOperation,
  publishOperations,
  retireOperations,
} from '../../mdm/access/operations.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { commandActor } from '../config/commandActor.ts'
import { type Config, withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'
import { print, printJson } from '../terminal/print.ts'
import { invalidOperations, readOperations } from './input/operationFiles.ts'
import { clientGraph } from './schema/ownChanges.ts'

const publish = withConfig(
  new Command('publish')
    .description(
      'publish operations, so that callers may name them by the sha256 of their text; gateways know them within 2 s',
    )
    .argument(
      '<file...>',
      'a .graphql file (one document), or a persisted-query manifest (.json) of Apollo’s format',
    )
    .option(
      '--client <name>',
      'client that sends them; needed if the manifest names none',
      clientName,
    ),
  [...DATABASE_CONFIG, 'sources', 'documentBytesMax'],
).action(
  async (
    files: string[],
    o: DatabaseConfig & Config<'sources' | 'documentBytesMax'> & { client?: string },
  ) => {
    const operations = files.flatMap(readOperations).map((found) => {
      const client = o.client ?? found.client
      if (client === null)
        throw new Error('name the client that sends them with --client: an app, a service')
      if (Buffer.byteLength(found.text) > o.documentBytesMax)
        throw new Error(
          `${found.names.join(', ')} is larger than ${o.documentBytesMax} bytes (TOUCHSTONE_DOCUMENT_BYTES_MAX)`,
        )
      return { ...found, client: clientName(client) }
    })
    await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
      const wrong = invalidOperations(operations, publicSchema(await clientGraph(sql, o.sources)))
      if (wrong.length > 0)
        throw new Error(`nothing was published; the graph would reject\n${wrong.join('\n')}`)
      for (const [client, all] of Map.groupBy(operations, (p) => p.client)) {
        const fresh = new Set(
          await publishOperations(sql, {
            client,
            operations: all,
            publishedBy: commandActor(),
          }),
        )
        for (const { hash, names } of all)
          print(
            `${hash} ${client} ${names.join(',') || '-'} ${fresh.has(hash) ? 'published' : 'existed'}`,
          )
      }
    })
  },
)

const list = withConfig(
  new Command('list')
    .description('list operations, with their last use to the hour')
    .option('--client <name>', 'only those of this client')
    .option('--json', 'print JSON, with the texts'),
  DATABASE_CONFIG,
).action(async (o: DatabaseConfig & { client?: string; json?: boolean }) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const all = await listOperations(sql, { client: o.client ?? null })
    if (o.json) printJson(all, 2)
    else if (all.length === 0)
      print('no operations: npx touchstone operations publish FILE --client NAME')
    else for (const operation of all) print(line(operation))
  })
})

const retire = withConfig(
  new Command('retire')
    .description('retire an operation; gateways reject it within 2 s')
    .argument('<hash>', 'its hash, or at least the first 8 digits', hashPart)
    .option('--client <name>', 'retire it only for this client'),
  DATABASE_CONFIG,
).action(async (hash: string, o: DatabaseConfig & { client?: string }) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const count = await retireOperations(sql, hash, o.client ?? null)
    if (count === 0)
      throw new Error(`no operation ${hash} is published; "operations list" shows them`)
    print(`retired, of ${counted(count, 'client')}`)
  })
})

export const command = new Command('operations')
  .description(
    'publish, list and retire operations that callers name by hash; with TOUCHSTONE_OPERATIONS=published no others are executed',
  )
  .addCommand(publish)
  .addCommand(list)
  .addCommand(retire)
  .addHelpText(
    'after',
    `
Examples:
  npx touchstone operations publish card.graphql --client app
  npx touchstone operations list --client app`,
  )

function line({
  hash,
  client,
  names,
  publishedAt,
  publishedBy,
  retiredAt,
  lastUsedAt,
}: PublishedOperation): string {
  const state = retiredAt ? `retired ${retiredAt.toISOString()}` : 'published'
  const used = lastUsedAt ? `last used ${lastUsedAt.toISOString()}` : 'never used'
  return `${hash} ${client} ${names.join(',') || '-'} ${state}; ${used}; ${publishedAt.toISOString()} by ${publishedBy}`
}

function clientName(text: string): string {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(text))
    throw new InvalidArgumentError('It must be 1 to 64 letters, digits and ._- .')
  return text
}

function hashPart(text: string): string {
  if (!/^[0-9a-f]{8,64}$/i.test(text))
    throw new InvalidArgumentError('It must be 8 to 64 digits in hex.')
  return text.toLowerCase()
}
