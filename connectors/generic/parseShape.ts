import type { z } from 'zod'
import { failAt, type Located } from '../mapping/document.ts'

/** Parses a part of a YAML file by its schema. Throws ConfigError with file and line. */
export function parseShape<T extends z.ZodType>(
  schema: T,
  place: Located,
  what: string,
): z.infer<T> {
  const parsed = schema.safeParse(place.value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : undefined
  const path = issue?.path ?? []
  const at = unknown === undefined ? path : [...path, unknown]
  const allowed =
    unknown !== undefined && path.length === 0 && 'shape' in schema
      ? `; allowed are ${Object.keys(schema.shape as object).join(', ')}`
      : ''
  return failAt(
    place,
    `${[what, ...path.map(String)].join('.')}: ${issue?.message ?? 'is not valid'}${allowed}`,
    at,
  )
}
