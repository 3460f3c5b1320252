import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import { isMap } from '../../mapping/rule.ts'
import { below, parseAt, scalar } from './shape.ts'
import { compileTemplate, type Template } from './template.ts'

const METHODS = ['get', 'post', 'put', 'patch'] as const

/** The keys of a request in a definition; others stand beside them. */
export const REQUEST_FIELDS = {
  get: z.string().optional(),
  post: z.string().optional(),
  put: z.string().optional(),
  patch: z.string().optional(),
  query: z.record(z.string(), z.union([scalar, z.array(scalar), z.null()])).optional(),
  headers: z.record(z.string(), z.union([scalar, z.null()])).optional(),
  json: z.unknown().optional(),
  form: z.record(z.string(), z.union([scalar, z.array(scalar), z.null()])).optional(),
  text: z.string().optional(),
}

/** A value of `json:`: templates in the places of its texts. */
export type JsonTemplate =
  | Template
  | number
  | boolean
  | null
  | { list: JsonTemplate[] }
  | { map: ReadonlyMap<string, JsonTemplate> }

export interface RequestTemplate {
  method: string
  path: Template
  query: ReadonlyMap<string, readonly Template[]>
  headers: ReadonlyMap<string, Template>
  body:
    | { as: 'json'; json: JsonTemplate }
    | { as: 'form'; form: ReadonlyMap<string, readonly Template[]> }
    | { as: 'text'; text: Template }
    | null
}

/** The placeholders of a request: those with a value, and those that may be empty. */
export interface RequestNames {
  allowed: ReadonlySet<string>
  /** These have a value in some of the requests alone, so they stand in [[ ]]. */
  optional: ReadonlySet<string>
}

/**
 * Compiles a request from its parts: what a later part names replaces the same name of an earlier
 * one, and null removes it. Throws ConfigError.
 */
export function compileRequest(
  parts: readonly Located[],
  what: string,
  names: RequestNames,
): RequestTemplate {
  const given = parts.filter((p) => isMap(p.value))
  const addressed = given.findLast((p) => METHODS.some((m) => below(p, m).value !== undefined))
  const place = given.at(-1)
  if (!addressed) return failAt(place ?? parts[0]!, `${what} needs get: or post: with a path`)
  const methods = METHODS.filter((m) => below(addressed, m).value !== undefined)
  const [method = 'get'] = methods
  if (methods.length > 1) failAt(addressed, `${what} has ${methods.join(' and ')}; one is allowed`)
  const template = (at: Located, encodedNames = names): Template => textAt(at, what, encodedNames)
  const merged = (key: string): Map<string, Located> => {
    const out = new Map<string, Located>()
    for (const part of given)
      for (const name of Object.keys((below(part, key).value as object | undefined) ?? {})) {
        const at = below(part, key, name)
        if (at.value === null) out.delete(name)
        else out.set(name, at)
      }
    return out
  }
  const lists = (key: string) =>
    new Map(
      [...merged(key)].map(([name, at]) => [
        name,
        Array.isArray(at.value) ? at.value.map((_, i) => template(below(at, i))) : [template(at)],
      ]),
    )
  const bodies = (['json', 'form', 'text'] as const).filter((b) =>
    given.some((p) => below(p, b).value !== undefined),
  )
  if (bodies.length > 1)
    failAt(addressed, `${what} has ${bodies.join(' and ')}; one body is allowed`)
  if (bodies.length > 0 && method === 'get')
    failAt(addressed, `${what} is a get and has no body`, ['get'])
  return {
    method: method.toUpperCase(),
    path: template(below(addressed, method)),
    query: lists('query'),
    headers: new Map(
      [...merged('headers')].map(([name, at]) => [name.toLowerCase(), template(at)]),
    ),
    body: bodyOf(),
  }

  function bodyOf(): RequestTemplate['body'] {
    const [kind] = bodies
    if (kind === 'form') return { as: 'form', form: lists('form') }
    const last = kind && given.findLast((p) => below(p, kind).value !== undefined)
    if (!kind || !last) return null
    if (kind === 'text') return { as: 'text', text: template(below(last, kind)) }
    const all = given.map((p) => below(p, 'json')).filter((p) => p.value !== undefined)
    if (!all.every((p) => isMap(p.value)))
      return { as: 'json', json: jsonTemplate(below(last, 'json'), template) }
    const map = new Map([...merged('json')].map(([n, at]) => [n, jsonTemplate(at, template)]))
    return { as: 'json', json: { map } }
  }
}

function textAt(at: Located, what: string, { allowed, optional }: RequestNames): Template {
  const template = compileTemplate(at, allowed)
  for (const name of optional)
    if (template.bare.has(name))
      failAt(
        at,
        `${what}: {${name}} is empty in some requests; write it within [[ ]], which is left out then`,
      )
  return template
}

function jsonTemplate(at: Located, template: (at: Located) => Template): JsonTemplate {
  const { value } = at
  if (typeof value === 'string') return template(at)
  if (Array.isArray(value))
    return { list: value.map((_, i) => jsonTemplate(below(at, i), template)) }
  if (isMap(value))
    return {
      map: new Map(
        Object.keys(value).map((name) => [name, jsonTemplate(below(at, name), template)]),
      ),
    }
  return value === null ? null : parseAt(z.union([z.number(), z.boolean()]), at, 'json')
}
