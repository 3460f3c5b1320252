import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { z } from 'zod'
import { readYaml, type YamlFile } from '../../connectors/yamlFile.ts'
import type { OwnSubgraph } from '../../gateway/federation/own/ownSubgraph.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'

/** A subgraph of config/subgraphs.yaml. Its schema is read apart: it may come from the service. */
export interface ConfiguredSubgraph extends Omit<OwnSubgraph, 'sdl'> {
  /** The file of its schema; null: the service is asked. */
  schemaFile: string | null
  mutations: boolean
  overrides: readonly string[]
  /** Its place in the file, as `config/subgraphs.yaml:3`. */
  configuredAt: string
}

const secretName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable, in capitals')
const PRINTABLE = /^[\x20-\x7e]*$/
const headerValue = z.union([
  z.string(),
  z.strictObject({ env: secretName, prefix: z.string().optional() }),
])
const whole = (min: number, max: number, byDefault: number) =>
  z.number().int().min(min).max(max).default(byDefault)

const subgraphSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'lower-case letters, digits and _, at most 63'),
  url: z.string(),
  schema: z.string().min(1).optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), headerValue).default({}),
  caller: z
    .union([z.enum(['none', 'token']), z.strictObject({ signedWith: secretName })])
    .default('none'),
  mutations: z.enum(['refused', 'served']).default('refused'),
  overrides: z.array(z.string().regex(/^\w+\.\w+$/)).default([]),
  timeoutMs: whole(50, 60_000, 5_000),
  responseBytesMax: whole(1_000, 100_000_000, 1_048_576),
  itemsMax: whole(1, 100_000, 100),
  requestsMax: whole(1, 10_000, 64),
})
const fileSchema = z.strictObject({ subgraphs: z.array(subgraphSchema).max(50) })
type Given = z.infer<typeof subgraphSchema>

/** Headers that carry credentials, or that the gateway sets itself. */
const CREDENTIALS = /^(authorization|proxy-authorization|cookie|.*(api-?key|secret|token).*)$/i
const SET_BY_GATEWAY =
  /^(host|content-(type|length)|accept|connection|transfer-encoding|x-correlation-id|traceparent|x-touchstone-.*)$/i

/**
 * Reads config/subgraphs.yaml, with the secrets that it names in `env`. Without `needsSecrets` one
 * that is not set is left out: to check a schema needs none. Throws ConfigError with file and line.
 */
export function readOwnSubgraphs(
  path: string,
  {
    env = process.env,
    needsSecrets = true,
  }: { env?: Readonly<Record<string, string | undefined>>; needsSecrets?: boolean } = {},
): ConfiguredSubgraph[] {
  const file = readYaml(path)
  const parsed = fileSchema.safeParse(file.value)
  if (!parsed.success) throw refusal(file, parsed.error.issues[0])
  const seen = new Set<string>()
  return parsed.data.subgraphs.map((given, n) => {
    const at = (...keys: PropertyKey[]) => file.at(['subgraphs', n, ...keys])
    if (seen.has(given.name))
      throw new ConfigError(`${at('name')}: there are two subgraphs named "${given.name}"`)
    seen.add(given.name)
    const secret = (variable: string, place: string) => {
      const value = ownValue(env, variable) || undefined
      if (value === undefined && needsSecrets)
        throw new ConfigError(`${place}: ${given.name} needs the environment variable ${variable}`)
      return value
    }
    return configured(path, given, at, secret)
  })
}

function configured(
  path: string,
  given: Given,
  at: (...keys: PropertyKey[]) => string,
  secret: (variable: string, place: string) => string | undefined,
): ConfiguredSubgraph {
  const { name, url, caller, timeoutMs, responseBytesMax, itemsMax, requestsMax } = given
  checkUrl(url, at('url'))
  const headers = new Map<string, string>()
  for (const [key, value] of Object.entries(given.headers)) {
    const header = key.toLowerCase()
    const place = at('headers', key)
    if (SET_BY_GATEWAY.test(header))
      throw new ConfigError(`${place}: the gateway sets the header ${key} itself`)
    if (headers.has(header)) throw new ConfigError(`${place}: the header ${key} is there twice`)
    if (typeof value === 'string' && CREDENTIALS.test(header))
      throw new ConfigError(
        `${place}: ${key} is a secret: keep it in the environment, as ${key}: { env: NAME }`,
      )
    if (caller === 'token' && header === 'authorization')
      throw new ConfigError(`${place}: authorization carries the caller's token (caller: token)`)
    const found = typeof value === 'string' ? value : secret(value.env, place)
    // The library would quote a wrong value in its error, which is logged.
    if (found !== undefined && !PRINTABLE.test(found))
      throw new ConfigError(`${place}: the value of ${key} is not printable ASCII`)
    if (found !== undefined)
      headers.set(header, typeof value === 'string' ? found : `${value.prefix ?? ''}${found}`)
  }
  return {
    name,
    url,
    schemaFile: given.schema === undefined ? null : resolve(dirname(path), given.schema),
    headers,
    caller:
      typeof caller === 'object'
        ? signedWith(secret(caller.signedWith, at('caller')), at('caller'))
        : { kind: caller === 'token' ? 'TOKEN' : 'NONE' },
    mutations: given.mutations === 'served',
    overrides: given.overrides,
    bounds: { timeoutMs, responseBytesMax, itemsMax, requestsMax },
    configuredAt: at(),
  }
}

const signingSecretCharsMin = 32

function signedWith(secret: string | undefined, place: string): OwnSubgraph['caller'] {
  if (secret === undefined) return { kind: 'NONE' }
  if (secret.length >= signingSecretCharsMin) return { kind: 'SIGNED', secret }
  throw new ConfigError(`${place}: the secret needs ${signingSecretCharsMin} characters or more`)
}

function checkUrl(text: string, place: string): void {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol))
    throw new ConfigError(`${place}: the url must be as https://loyalty.example/graphql`)
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(
      `${place}: the url must not hold credentials: use headers: { authorization: { env: NAME } }`,
    )
}

function refusal(file: YamlFile, issue: z.core.$ZodIssue | undefined): ConfigError {
  const path = issue?.path ?? []
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const at = file.at(unknown === undefined ? path : [...path, unknown])
  const allowed =
    unknown === undefined
      ? ''
      : `; allowed are ${Object.keys(path.length === 0 ? fileSchema.shape : subgraphSchema.shape).join(', ')}`
  return new ConfigError(`${at}: ${path.join('.') || 'subgraphs'}: ${issue?.message}${allowed}`)
}

/** Reads the schema of a subgraph from its file. Throws ConfigError. */
export function readSchemaFile(file: string, { name, configuredAt }: ConfiguredSubgraph): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (e) {
    throw new ConfigError(
      `${configuredAt}: the schema of ${name} cannot be read: ${e instanceof Error ? e.message : e}`,
    )
  }
}

/** Returns where the schema of a subgraph is, for messages. */
export function schemaPlace({ schemaFile, url }: ConfiguredSubgraph): string {
  return schemaFile === null ? url : relative(process.cwd(), schemaFile)
}

/** Returns the schema files that config/subgraphs.yaml names; none while it has a mistake. */
export function schemaFiles(path: string): string[] {
  try {
    const { subgraphs } = fileSchema.parse(readYaml(path).value)
    return subgraphs.flatMap(({ schema }) =>
      schema === undefined ? [] : [resolve(dirname(path), schema)],
    )
  } catch (e) {
    if (e instanceof ConfigError || e instanceof z.ZodError) return []
    throw e
  }
}
