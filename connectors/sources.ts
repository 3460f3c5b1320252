import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { ConfigError } from '../schema/kit/configError.ts'
import { ownValue } from '../schema/kit/dictionary.ts'
import { OPERATIONAL_TYPES, type OperationalType } from '../schema/operational.ts'
import { ROLES } from '../schema/policy.ts'
import { type Definition, readDefinition } from './connection/definition.ts'
import { readSourceConnection, type SourceConnection } from './connection/sourceConnection.ts'
import type { SourceSystem } from './contract.ts'
import { findKind, KINDS } from './kinds.ts'
import { failAt, type Located, objectNames } from './mapping/document.ts'
import { readSourceFiles, type SourceFiles } from './places/sourceFiles.ts'
import { readCalendar } from './readCalendar.ts'
import { type ConfiguredWrite, readWriteConfig } from './readWrite.ts'
import { readYaml, type YamlFile } from './yamlFile.ts'

/** A source system with its mapping files; later ones are overlays of earlier ones. */
export interface ConfiguredSource {
  system: SourceSystem
  mappings: string[]
  /** Files of code lists, from this system's codes to canonical ones. */
  codes: string[]
  /** How the system is asked; undefined where it only sends. */
  connection?: SourceConnection | undefined
  /** The files that it puts into a folder; undefined where there are none. */
  files?: SourceFiles | undefined
  /** What is written to the system; undefined: nothing. */
  write?: ConfiguredWrite | undefined
}

const secretReference = z.strictObject({
  env: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable, in capitals'),
})

export const sourceNameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,62}$/,
    'lower-case letters, digits and hyphens, at most 63, as in salesforce-emea',
  )

const sourceSchema = z.strictObject({
  name: sourceNameSchema,
  kind: z.enum(KINDS.map((k) => k.name)),
  role: z.enum(ROLES),
  trust: z.number().min(0).max(1),
  trustHalfLifeDays: z.number().positive().optional(),
  secret: z.union([secretReference, z.array(secretReference).min(1).max(2)]).optional(),
  developmentSecret: z.string().min(8).optional(),
  address: z.url({ protocol: /^https?$/ }).optional(),
  mapping: z.union([z.string(), z.array(z.string())]).optional(),
  codes: z.union([z.string(), z.array(z.string())]).optional(),
  events: z.union([z.enum(['all', 'none']), z.array(z.enum(OPERATIONAL_TYPES))]).optional(),
  connection: z.record(z.string(), z.unknown()).optional(),
  closed: z.unknown().optional(),
  files: z.record(z.string(), z.unknown()).optional(),
  write: z.unknown().optional(),
})

const fileSchema = z.strictObject({ sources: z.array(sourceSchema).min(1) })

/**
 * Reads config/sources.yaml. Secrets come from `env`; one that is not set is left out, and
 * deliveries of a source system without any secret are rejected. A developmentSecret is used while
 * no real one is set. Throws ConfigError with file and line.
 */
export function readSources(
  path: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConfiguredSource[] {
  return sourcesIn(readYaml(path), dirname(path), env)
}

/** Reads the source systems of a file whose paths are relative to `folder`, as `readSources`. */
export function sourcesIn(
  file: YamlFile,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): ConfiguredSource[] {
  const parsed = fileSchema.safeParse(file.value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const at =
      issue?.code === 'unrecognized_keys'
        ? [...issue.path, issue.keys[0] ?? '']
        : (issue?.path ?? [])
    throw new ConfigError(
      `${file.at(at)}: ${issue?.path.join('.') || 'sources'}: ${issue?.message}${allowedKeys(issue)}`,
    )
  }
  const seen = new Set<string>()
  return parsed.data.sources.map((s, i) => {
    const where = (key: string) => file.at(['sources', i, key])
    if (seen.has(s.name))
      throw new ConfigError(`${where('name')}: there are two source systems named "${s.name}"`)
    seen.add(s.name)
    const mappings = [s.mapping ?? []].flat().map((m) => resolve(folder, m))
    if (!findKind(s.kind)?.hasMapping && mappings.length === 0)
      throw new ConfigError(
        `${where('kind')}: ${s.name} is generic and needs mapping: with the name of its mapping file`,
      )
    const secrets = [s.secret ?? []].flat().flatMap((r) => ownValue(env, r.env) || [])
    const place: Located = {
      value: s.connection,
      file,
      path: ['sources', i, 'connection'],
    }
    const filesAt: Located = { value: s.files, file, path: ['sources', i, 'files'] }
    const development = secrets.length === 0 && s.developmentSecret !== undefined
    const connection = s.connection
      ? readSourceConnection(place, definitionOf(place, s.kind, mappings, folder), folder)
      : undefined
    const files = s.files
      ? readSourceFiles(filesAt, folder, mappedObjects(s.kind, mappings))
      : undefined
    const twice = connection?.objects.find((object) => files?.objects.has(object))
    if (twice !== undefined)
      failAt(
        filesAt,
        `files.objects: ${twice} is asked by connection: too; leave it out of one (connection: { objects: [...] })`,
        ['objects', twice],
      )
    return {
      mappings,
      codes: [s.codes ?? []].flat().map((m) => resolve(folder, m)),
      connection,
      files,
      write:
        s.write === undefined
          ? undefined
          : readWriteConfig({ value: s.write, file, path: ['sources', i, 'write'] }),
      system: {
        name: s.name,
        kind: s.kind,
        role: s.role,
        trust: s.trust,
        trustHalfLifeDays: s.trustHalfLifeDays,
        events: eventTypes(s.events),
        address: s.address,
        calendar:
          s.closed === undefined
            ? undefined
            : readCalendar({ value: s.closed, file, path: ['sources', i, 'closed'] }),
        secrets: development && s.developmentSecret ? [s.developmentSecret] : secrets,
        developmentSecret: development,
      },
    }
  })
}

/** Returns the file of a kind in connectors/, such as mapping.yaml; null where it has none. */
export function kindFile(kind: string, name: string): string | null {
  const path = fileURLToPath(new URL(`./${kind}/${name}`, import.meta.url))
  return existsSync(path) ? path : null
}

/** Returns the definition that `connection:` names, else that of the kind. */
function definitionOf(
  place: Located,
  kind: string,
  overlays: readonly string[],
  folder: string,
): Definition {
  const own = ownValue(place.value as Record<string, unknown>, 'definition')
  const path = own === undefined ? null : resolve(folder, String(own))
  return (
    openDefinition(kind, path, overlays) ??
    failAt(
      place,
      `the kind ${kind} cannot be asked: it has no connection.yaml; name one with connection: { definition: file.yaml }`,
    )
  )
}

/**
 * Opens the definition of a file, else that of the kind, for its mapping with overlays. Returns null
 * where the kind has none. Throws ConfigError.
 */
export function openDefinition(
  kind: string,
  file: string | null,
  overlays: readonly string[],
): Definition | null {
  const path = file ?? kindFile(kind, 'connection.yaml')
  return path === null ? null : readDefinition(path, mappedObjects(kind, overlays))
}

/** Returns the objects of a mapping; null where it has a mistake, which holds the system. */
function mappedObjects(kind: string, overlays: readonly string[]): string[] | null {
  const own = kindFile(kind, 'mapping.yaml')
  try {
    return objectNames([...(own === null ? [] : [own]), ...overlays].map(readYaml))
  } catch (e) {
    if (e instanceof ConfigError) return null
    throw e
  }
}

function eventTypes(events: 'all' | 'none' | OperationalType[] | undefined) {
  if (events === undefined || events === 'all') return undefined
  return new Set(events === 'none' ? [] : events)
}

function allowedKeys(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code !== 'unrecognized_keys') return ''
  const shape =
    issue.path.length === 0
      ? fileSchema.shape
      : issue.path.includes('secret')
        ? secretReference.shape
        : sourceSchema.shape
  return `; allowed are ${Object.keys(shape).join(', ')}`
}
