import { resolve } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../../schema/kit/configError.ts'
import { below, duration, exactlyOne, parseAt, shape } from '../connection/definition/shape.ts'
import { QUOTES } from '../file/csvRows.ts'
import type { FileOptions } from '../file/rows.ts'
import { failAt, type Located } from '../mapping/document.ts'
import type { OpenPlace } from './contract.ts'
import { openFolder } from './folder.ts'
import { compileGlob, compileNamePattern, type NamePattern } from './namePattern.ts'
import { openS3 } from './s3.ts'
import { readS3Settings } from './s3Settings.ts'
import { openSftp } from './sftp.ts'
import { readSftpSettings } from './sftpSettings.ts'

/** The files of one object. */
export interface ObjectFiles {
  object: string
  pattern: NamePattern
  order: 'NAME' | 'TIME'
  /** Whether the sequence begins again with each date, and with which number. */
  restarts: boolean
  first: number
  /** Whether later files wait for one that was refused. */
  onError: 'STOP' | 'CONTINUE'
  options: FileOptions
}

/** `files:` of a source system in config/sources.yaml. */
export interface SourceFiles {
  open: OpenPlace
  /** By object, in the order of the configuration. */
  objects: ReadonlyMap<string, ObjectFiles>
  /** The names of manifests, which name files with their rows and checksums. */
  manifest: ((name: string) => boolean) | null
  /** The end of the name of a marker that says that a file is complete, as `.done`. */
  done: string | null
  /** The end of the name of the file with the checksum of another, and its algorithm. */
  checksum: { ending: string; algorithm: 'sha256' | 'md5' } | null
  /** How long a file must not have changed before it is read. */
  stableMs: number
  /** After what time a missing file is reported. */
  gapMs: number
  /** Subfolders for files that were read or refused; null: they stay. */
  archive: string | null
  errors: string | null
  /** Names that are no files of ours. */
  ignored(name: string): boolean
  everyMs: number
  bytesMax: number
  /** `config/sources.yaml:12`, for messages. */
  at: string
}

const everyMsDefault = 60_000
const everyMsMin = 1_000
const stableMsDefault = 30_000
const gapMsDefault = 86_400_000
const bytesMaxDefault = 5_000_000_000
/** Names that programs give to a file while they write it. */
const UNFINISHED = ['.*', '*.part', '*.filepart', '*.tmp', '*.temp', '*.crdownload']

const ending = z
  .string()
  .regex(/^\.[A-Za-z0-9._-]{1,40}$/, 'must be the end of a name that begins with a dot, as .done')
const subfolder = z
  .string()
  .regex(
    /^[A-Za-z0-9_-][A-Za-z0-9._ -]{0,100}$/,
    'must be the name of a subfolder of the place, or keep',
  )

const objectSchema = shape({
  names: z.string(),
  order: z.enum(['name', 'time']).optional(),
  sequence: z.enum(['continues', 'restarts']).optional(),
  first: z.number().int().min(0).optional(),
  onError: z.enum(['stop', 'continue']).optional(),
  format: z.enum(['csv', 'json', 'ndjson']).optional(),
  delimiter: z.string().min(1).max(10).optional(),
  quotes: z.enum(QUOTES).optional(),
  sheet: z.string().min(1).optional(),
  at: z.string().min(1).optional(),
  encoding: z.string().min(1).optional(),
})

const PLACES = ['folder', 'sftp', 's3'] as const

const filesSchema = shape({
  folder: z.string().min(1).optional(),
  sftp: z.unknown().optional(),
  s3: z.unknown().optional(),
  objects: z
    .record(z.string(), z.unknown(), 'must be a map from objects to patterns of names')
    .refine((o) => Object.keys(o).length > 0, 'must name at least one object'),
  manifest: z.string().optional(),
  done: ending.optional(),
  checksum: z.enum(['.sha256', '.md5'], 'must be .sha256 or .md5').optional(),
  stable: duration.optional(),
  gap: duration.optional(),
  archive: subfolder.optional(),
  errors: subfolder.optional(),
  ignore: z.array(z.string()).max(100).optional(),
  every: duration.optional(),
  bytesMax: z.number().int().min(1).optional(),
})

/**
 * Reads `files:` of a source system. `folder` is that of its file, `mapped` the objects of its
 * mapping, or null where the mapping has a mistake. Throws ConfigError.
 */
export function readSourceFiles(
  place: Located,
  folder: string,
  mapped: readonly string[] | null,
): SourceFiles {
  const given = parseAt(filesSchema, place, 'files')
  const open = openerOf(place, exactlyOne(place, 'files', PLACES), folder)
  const objects = new Map(
    Object.keys(given.objects).map((object) => {
      const at = below(place, 'objects', object)
      if (mapped && !mapped.includes(object))
        failAt(
          at,
          `files.objects: the mapping has no object "${object}"; it has ${mapped.join(', ')}`,
        )
      return [object, readObject(at, object)]
    }),
  )
  if (given.manifest !== undefined && given.done !== undefined)
    failAt(
      below(place, 'done'),
      'files: has manifest: and done:; one of them says what is complete',
    )
  const every = given.every ?? everyMsDefault
  if (every < everyMsMin) failAt(below(place, 'every'), 'files.every: must be at least 1s')
  const ignore = [...UNFINISHED, ...(given.ignore ?? [])].map((text, i) =>
    compiled(below(place, 'ignore', i - UNFINISHED.length), () => compileGlob(text)),
  )
  const folderOf = (name: string | undefined) =>
    name === undefined || name === 'keep' ? null : name
  const archive = folderOf(given.archive)
  const errors = folderOf(given.errors)
  return {
    open,
    objects,
    manifest:
      given.manifest === undefined
        ? null
        : compiled(below(place, 'manifest'), () => compileGlob(given.manifest ?? '')),
    done: given.done ?? null,
    checksum:
      given.checksum === undefined
        ? null
        : { ending: given.checksum, algorithm: given.checksum === '.md5' ? 'md5' : 'sha256' },
    stableMs: given.stable ?? stableMsDefault,
    gapMs: given.gap ?? gapMsDefault,
    archive,
    errors,
    ignored: (name) => ignore.some((matches) => matches(name)),
    everyMs: every,
    bytesMax: given.bytesMax ?? bytesMaxDefault,
    at: place.file.at(place.path),
  }
}

/** Returns how the place is opened. */
function openerOf(place: Located, kind: (typeof PLACES)[number], folder: string): OpenPlace {
  const at = below(place, kind)
  if (kind === 'sftp') {
    const settings = readSftpSettings(at, folder)
    return (counts, env) => openSftp(settings, counts, { env })
  }
  if (kind === 's3') {
    const settings = readS3Settings(at, folder)
    return (counts, env) => openS3(settings, counts, { env })
  }
  const path = resolve(folder, String(at.value))
  return (counts) => openFolder(path, counts)
}

/** Reads a pattern of names, alone or with the options of `touchstone load`. */
function readObject(place: Located, object: string): ObjectFiles {
  const isText = typeof place.value === 'string'
  const given = isText
    ? { names: String(place.value) }
    : parseAt(objectSchema, place, `files.objects.${object}`)
  const restarts = given.sequence === 'restarts'
  if (given.first !== undefined && !restarts)
    failAt(
      below(place, 'first'),
      `files.objects.${object}.first: is for a sequence that restarts; one that continues begins with its first file`,
    )
  const { names, order, sequence: _, first, onError, ...options } = given
  const pattern = compiled(isText ? place : below(place, 'names'), () =>
    compileNamePattern(names, { restarts }),
  )
  if (order === 'time' && pattern.hasSequence)
    failAt(
      below(place, 'order'),
      `files.objects.${object}.order: {sequence} gives the order; write {number} to order by time`,
    )
  return {
    object,
    pattern,
    order: order === 'time' ? 'TIME' : 'NAME',
    restarts,
    first: first ?? 1,
    onError: onError === 'continue' ? 'CONTINUE' : 'STOP',
    options: { ...options, ...(options.delimiter === '\\t' ? { delimiter: '\t' } : {}) },
  }
}

/** Adds file and line to the error of a pattern. */
function compiled<T>(place: Located, compile: () => T): T {
  try {
    return compile()
  } catch (e) {
    if (!(e instanceof ConfigError)) throw e
    return failAt(place, `files: ${e.message}`)
  }
}
