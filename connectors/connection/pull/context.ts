import { idNames } from '../definition/identity.ts'
import type { ObjectDefinition } from '../definition/object.ts'
import type { TemplateValue, TemplateValues } from '../definition/template.ts'
import type { TimeForm } from '../definition/timeForm.ts'
import type { Requester } from '../request/requester.ts'

/** One object of one source system, as it is asked. */
export interface ObjectContext {
  source: string
  object: ObjectDefinition
  /** The object under which this one is listed; null for one with a list of its own. */
  parent: ObjectDefinition | null
  requester: Requester
  /** Milliseconds since 1970. */
  now: () => number
  /** By how many ms our clock is ahead of the system's, as far as its answers show. */
  clockAheadMs: () => number
  /** Returns a setting of the connection that is no secret; undefined where it is not given. */
  setting: (name: string) => string | undefined
  signal: AbortSignal
}

const ISO: TimeForm = { text: 'iso', zone: 'UTC' }

/** Returns the values of placeholders: those of the object, and these. */
export function valuesOf(
  { object }: Pick<ObjectContext, 'object'>,
  more: Readonly<Record<string, TemplateValue>>,
  times: TimeForm = ISO,
): TemplateValues {
  const values = new Map<string, TemplateValue>(Object.entries(more))
  if (object.fields.length > 0) values.set('fields', object.fields)
  if (object.size !== null && !values.has('size')) values.set('size', object.size)
  return { get: (name) => values.get(name), times }
}

/** Returns the placeholders of one record's id. The last part of a joined one may hold its separator. */
export function idValues(
  { joinedId }: Pick<ObjectDefinition, 'joinedId'>,
  id: string,
): Record<string, string> {
  const split = joinedId ? id.split(joinedId.separator) : [id]
  const before = joinedId ? split.slice(0, joinedId.parts - 1) : []
  const parts = [...before, split.slice(before.length).join(joinedId?.separator ?? '')]
  const values = idNames.map((name, n) => [name, n === 0 ? id : (parts[n - 1] ?? '')] as const)
  return Object.fromEntries(values)
}
