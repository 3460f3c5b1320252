import { Command, InvalidArgumentError, Option } from 'commander'
import { type ApiKey, listKeys } from '../../mdm/access/apiKeys.ts'
import { apiKeys } from '../../mdm/access/auditedApiKeys.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { commandActor } from '../config/commandActor.ts'
import { type Config, withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'
import { openAccess } from '../server/authentication.ts'
import { print, printError } from '../terminal/print.ts'
import { parseDuration } from './input/parseDuration.ts'

interface NewKeyFlags {
  role: string[]
  scope: string[]
  region?: string[]
  legalEntity?: string[]
  expires?: number
}

const create = withConfig(
  new Command('create')
    .description('create a key and print it once; only its hash is stored')
    .argument('<name>', 'name of its owner; logs call the actor "key:NAME"', keyName)
    .option('--role <names...>', 'roles of config/access.yaml', [])
    .option('--scope <names...>', 'scopes in addition to those of the roles', [])
    .option(
      '--region <names...>',
      'regions whose records it may read, if row rights are configured; "*" for all',
    )
    .option('--legal-entity <names...>', 'legal entities whose records it may read, likewise')
    .option(
      '--expires <duration>',
      'how long it is valid, as 90d (default: until it is revoked)',
      parseDuration,
    ),
  [...DATABASE_CONFIG, 'access'],
).action(async (name: string, o: DatabaseConfig & Config<'access'> & NewKeyFlags) => {
  const known = openAccess(o).roles
  for (const role of o.role)
    if (!known.includes(role))
      throw new Error(`there is no role "${role}"; there are ${known.join(', ')}`)
  for (const scope of o.scope)
    if (!/^([a-z][a-z0-9_-]*:[a-z0-9_*-]+|\*)$/i.test(scope))
      throw new Error(
        `"${scope}" is no scope: it is two words with a colon between, as golden:read`,
      )
  if (o.role.length + o.scope.length === 0)
    throw new Error(`give a --role (${known.join(', ')}) or a --scope`)
  for (const [flag, words] of [
    ['--region', o.region ?? []],
    ['--legal-entity', o.legalEntity ?? []],
  ] as const)
    if (words.length > 1 && words.includes('*'))
      throw new Error(`${flag} "*" stands alone, for no limit; it was given with other values`)
  const expiresAt = o.expires === undefined ? null : new Date(Date.now() + o.expires * 1_000)
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const made = await apiKeys(sql, commandActor()).create({
      name,
      roles: o.role,
      scopes: o.scope,
      regions: o.region ?? null,
      legalEntities: o.legalEntity ?? null,
      expiresAt,
    })
    shown(made)
  })
})

const list = withConfig(
  new Command('list').description('list all keys, with their last use'),
  DATABASE_CONFIG,
).action(async (o: DatabaseConfig) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const keys = await listKeys(sql)
    if (keys.length === 0) print('no keys: npx touchstone keys create NAME --role ROLE')
    for (const key of keys) print(line(key))
  })
})

const revoke = withConfig(
  new Command('revoke')
    .description(
      'revoke all keys of a name, or the key with an id; gateways reject them within 5 s, open subscriptions end within 20 s',
    )
    .argument('<name>', 'name or id'),
  DATABASE_CONFIG,
).action(async (name: string, o: DatabaseConfig) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const count = await apiKeys(sql, commandActor()).revoke(name)
    if (count === 0)
      throw new Error(`there is no key "${name}" that is not revoked; "keys list" shows them`)
    print(`${counted(count, 'key')} revoked`)
  })
})

const rotate = withConfig(
  new Command('rotate')
    .description('create a key that replaces another one, which stays valid for a while')
    .argument('<name>', 'name of the key')
    .addOption(
      new Option('--overlap <duration>', 'how long the old key stays valid')
        .argParser(parseDuration)
        .default(86_400, '1d'),
    ),
  DATABASE_CONFIG,
).action(async (name: string, o: DatabaseConfig & { overlap: number }) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) =>
    shown(await apiKeys(sql, commandActor()).rotate(name, o.overlap * 1_000)),
  )
})

export const command = new Command('keys')
  .description('create, list, revoke and rotate API keys of services')
  .addCommand(create)
  .addCommand(list)
  .addCommand(revoke)
  .addCommand(rotate)
  .addHelpText(
    'after',
    `
Examples:
  npx touchstone keys create billing-sync --role reader --expires 365d
  npx touchstone keys rotate billing-sync --overlap 7d`,
  )

/**
 * Prints only the key to the standard output, so that it can be piped into a file or a secret
 * store.
 */
function shown({ id, text }: { id: string; text: string }): void {
  printError(`key ${id}; keep it, it is not shown again:`)
  print(text)
}

function line(key: ApiKey): string {
  const now = Date.now()
  const state = key.revokedAt
    ? `revoked ${key.revokedAt.toISOString()}`
    : key.expiresAt
      ? `${key.expiresAt.getTime() > now ? 'expires' : 'expired'} ${key.expiresAt.toISOString()}`
      : 'valid'
  const used = key.lastUsedAt ? `last used ${key.lastUsedAt.toISOString()}` : 'never used'
  const of = (what: string, names: string[] | null) => names?.map((n) => `${what}=${n}`) ?? []
  const rights = [
    ...key.roles,
    ...key.scopes,
    ...of('region', key.regions),
    ...of('entity', key.legalEntities),
  ].join(',')
  return `${key.id} ${key.name} (${rights}) ${state}; ${used}; made ${key.createdAt.toISOString()} by ${key.createdBy}`
}

function keyName(text: string): string {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(text))
    throw new InvalidArgumentError('It must be 1 to 64 letters, digits and ._- .')
  return text
}
