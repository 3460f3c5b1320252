import { resolve } from 'node:path'
import { failAt, type Located } from '../mapping/document.ts'
import { parseAt } from './definition/shape.ts'
import { type SecretReference, secretSchema } from './secrets.ts'

/** Reads where a secret is, which is named `what` in errors. Throws ConfigError. */
export function secretAt(place: Located, what: string, folder: string): SecretReference {
  if (typeof place.value === 'string')
    failAt(
      place,
      `${what}: a secret is given by reference: { env: NAME }, { file: path } or { command: [program, …] }`,
    )
  const given = parseAt(secretSchema, place, what)
  const kinds = (['env', 'file', 'command'] as const).filter((k) => given[k] !== undefined)
  if (kinds.length !== 1) failAt(place, `${what}: needs exactly one of env:, file:, command:`)
  if (given.pass !== undefined && given.command === undefined)
    failAt(place, `${what}: pass: is for command:, with the variables that it gets`, ['pass'])
  if (given.env !== undefined) return { env: given.env }
  if (given.file !== undefined) return { file: resolve(folder, given.file) }
  return { command: given.command ?? [], pass: given.pass ?? [] }
}
