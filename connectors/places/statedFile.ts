import { z } from 'zod'
import { FileError } from '../file/fileError.ts'

/** What a manifest, a marker or a checksum file states about a file. */
export interface StatedFile {
  rows?: number | undefined
  bytes?: number | undefined
  sha256?: string | undefined
  md5?: string | undefined
}

const count = z.number().int().min(0)
const hex = (digits: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`), `must be ${digits} hexadecimal digits`)
    .transform((text) => text.toLowerCase())
const stated = z.object({
  rows: count.optional(),
  bytes: count.optional(),
  sha256: hex(64).optional(),
  md5: hex(32).optional(),
})
const manifest = z.object({
  files: z
    .array(
      stated.extend({
        name: z.string().regex(/^[^/\\\0]{1,255}$/, 'must be a name without folder'),
      }),
    )
    .max(10_000),
})

/** Reads `{ "files": [{ "name", "rows", "bytes", "sha256", "md5" }] }`. Throws FileError. */
export function parseManifest(text: string): Map<string, StatedFile> {
  const { files } = parsed(manifest, text)
  const byName = new Map<string, StatedFile>()
  for (const { name, ...file } of files) {
    if (byName.has(name)) throw new FileError(`the manifest names ${name} twice`)
    byName.set(name, file)
  }
  return byName
}

/** Reads a marker: empty, or `{ "rows", "bytes", "sha256", "md5" }`. Throws FileError. */
export function parseMarker(text: string): StatedFile {
  return text.trim() === '' ? {} : parsed(stated, text)
}

/**
 * Reads a checksum as sha256sum and md5sum write it, with the name of the file or without. Throws
 * FileError.
 */
export function parseChecksum(text: string, name: string, algorithm: 'sha256' | 'md5'): StatedFile {
  const digits = algorithm === 'md5' ? 32 : 64
  const line = new RegExp(`^([0-9a-fA-F]{${digits}})(?:[ \\t]+\\*?(.+))?$`)
  const found = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((l) => {
      const [, value, of] = line.exec(l.trim()) ?? []
      return value ? [{ value: value.toLowerCase(), of: of?.split(/[/\\]/).at(-1) }] : []
    })
  const own = found.find((f) => f.of === name) ?? (found.length === 1 ? found[0] : undefined)
  if (!own || (own.of !== undefined && own.of !== name))
    throw new FileError(`the checksum file has no ${algorithm} of ${name}`)
  return { [algorithm]: own.value }
}

function parsed<T extends z.ZodType>(schema: T, text: string): z.output<T> {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (e) {
    throw new FileError(`no JSON: ${e instanceof Error ? e.message : String(e)}`)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new FileError(
    `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'is not valid'}`,
  )
}
