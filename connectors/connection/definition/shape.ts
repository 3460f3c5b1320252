import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { pathAt } from '../../mapping/rule.ts'

/** A schema of a map whose unknown keys are refused with the list of allowed ones. */
export function shape<T extends z.ZodRawShape>(fields: T) {
  return z.strictObject(fields, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown key "${issue.keys?.[0] ?? ''}"; allowed are ${Object.keys(fields).join(', ')}`
        : issue.code === 'invalid_type'
          ? `must be a map with ${Object.keys(fields).join(', ')}`
          : undefined,
  })
}

/** Parses a value by its schema. Throws ConfigError with file and line. */
export function parseAt<T extends z.ZodType>(schema: T, place: Located, what: string): z.output<T> {
  const parsed = schema.safeParse(place.value)
  if (parsed.success) return parsed.data
  const issue = innermost(parsed.error.issues[0])
  const unknown = issue?.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : undefined
  const path = issue?.path ?? []
  return failAt(
    place,
    `${[what, ...path.map(String)].filter((p) => p !== '').join('.')}: ${issue?.message ?? 'is not valid'}`,
    unknown === undefined ? path : [...path, unknown],
  )
}

/** Returns the issue that a person can act on: that of the alternative which fits best. */
function innermost(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== 'invalid_union') return issue
  const deepest = issue.errors
    .flatMap((alternative) => alternative.slice(0, 1))
    .map((inner) => innermost(inner) ?? inner)
    .sort((a, b) => weight(b) - weight(a))[0]
  if (!deepest || weight(deepest) === 0) return issue
  return { ...deepest, path: [...issue.path, ...deepest.path] }
}

/** An unknown key shows that the alternative was meant; a wrong type shows that it was not. */
function weight(issue: z.core.$ZodIssue): number {
  return issue.path.length * 2 + (issue.code === 'invalid_type' ? 0 : 1)
}

export function below(place: Located, ...steps: PropertyKey[]): Located {
  let value = place.value
  for (const step of steps)
    value =
      value !== null && typeof value === 'object' && Object.hasOwn(value, step)
        ? Reflect.get(value, step)
        : undefined
  return { ...place, value, path: [...place.path, ...steps] }
}

/** Compiles a path of an answer. Throws ConfigError with what is wrong in it. */
export function pathIn(place: Located): Path {
  return pathAt(String(place.value), place.path, (path, message) =>
    failAt({ ...place, path }, message),
  )
}

/**
 * Throws ConfigError unless exactly one of the keys is given. Returns the key.
 */
export function exactlyOne<K extends string>(place: Located, what: string, keys: readonly K[]): K {
  const given = keys.filter((k) => below(place, k).value !== undefined)
  const [first] = given
  if (first === undefined || given.length > 1)
    return failAt(
      place,
      `${what} needs exactly one of ${keys.join(', ')}${given.length > 1 ? `; it has ${given.join(' and ')}` : ''}`,
    )
  return first
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A length of time as 10s, 5m, 24h or 7d, in milliseconds. */
export const duration = z.unknown().transform((text, ctx) => {
  if (text === 0) return 0
  const [, n, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(String(text)) ?? []
  if (n !== undefined && unit !== undefined) return Number(n) * UNITS[unit as keyof typeof UNITS]
  ctx.addIssue({
    code: 'custom',
    message: `"${String(text)}" is not a length of time; write 10s, 5m, 24h or 7d`,
  })
  return z.NEVER
})

/** Writes a length of time in the largest unit that divides it. */
export function durationText(ms: number): string {
  const fitting = Object.entries(UNITS).filter(([, size]) => ms >= size && ms % size === 0)
  const [unit = 'ms', size = 1] = fitting.at(-1) ?? []
  return `${ms / size}${unit}`
}

/** The text of a path into an answer. */
export const pathText = z.string({ error: 'must be a path into the answer' }).min(1)

/** A text with placeholders; YAML may hold it as a number or a flag. */
export const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'must be a text',
})
