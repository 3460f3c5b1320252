import { z } from 'zod'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { MessageError } from '../contract.ts'
import type { Mapping } from '../mapping/compileMapping.ts'
import { failAt, type Located } from '../mapping/document.ts'
import { compileIds } from '../mapping/identity.ts'
import { type Path, type Scope, scopeOf } from '../mapping/path.ts'
import { compileRule, type Fail, isMap, pathAt, type Rule } from '../mapping/rule.ts'
import type { Verify } from '../signature.ts'
import { compileRecord, type RecordOf } from './eventRecord.ts'
import { parseShape } from './parseShape.ts'
import { thenFields } from './then.ts'
import { compileVerification } from './verification.ts'

type Fields = Record<string, unknown>

export const OPERATIONS = ['upsert', 'merge', 'delete', 'read', 'ignore'] as const
export type Operation = (typeof OPERATIONS)[number]

/** A compiled definition of the webhook events of one system. */
export interface EventDefinition {
  verify: Verify
  /** Returns the messages of a body that holds several; null for a body that is one message. */
  messagesIn(body: unknown): unknown[] | null
  /** Returns the event's own id, or null. */
  keyOf(scope: Scope): string | null
  /**
   * Returns the object that the event names, as the definition maps it; null where it names none.
   * Null as a function where the address of the delivery names it.
   */
  objectOf: ((scope: Scope, report?: (detail: string) => void) => string | null) | null
  /** Throws MessageError UNKNOWN_CHANGE where the event names no operation of the definition. */
  operationOf(scope: Scope, object: string): Operation
  idOf(scope: Scope): string | null
  /**
   * Returns undefined where the event states no version: the record's own counts. Throws
   * MessageError INVALID_VERSION.
   */
  versionOf(scope: Scope): bigint | undefined
  recordOf: RecordOf
  /** Names of headers that it reads, in lower case, and paths into the whole body. */
  headers: readonly string[]
  outer: readonly OuterPath[]
}

/** A path `$.body.a.b` and its names. */
export interface OuterPath {
  names: readonly string[]
  path: Path
}

const path = z.string().min(1)

const eventsSchema = z.strictObject({
  verify: z.unknown().optional(),
  messages: path.optional(),
  key: z.unknown().optional(),
  object: z.unknown().optional(),
  operation: z.unknown().optional(),
  id: z.unknown().optional(),
  version: z.unknown().optional(),
  record: z.unknown().optional(),
  ...thenFields,
})

/**
 * Compiles `events:` of a mapping (connectors/generic/README.md). Paths begin at the message;
 * `$.header.NAME` is a header of its delivery and `$.body.PATH` a single value of the whole body.
 * Throws ConfigError with file and line.
 */
export function compileEvents(
  place: Located,
  mapping: Mapping,
  address: string | null = null,
): EventDefinition {
  const spec = parseShape(eventsSchema, place, 'events')
  const part = (key: string): Located => ({
    ...place,
    value: ownValue(place.value as Fields, key),
    path: [...place.path, key],
  })
  if (spec.verify === undefined)
    return failAt(
      place,
      'events: needs verify: with how deliveries are signed, as verify: { standard: true }',
    )
  const fail: Fail = (at, message) => failAt({ ...place, path: at }, message)
  const { headers, outer } = deliveryPaths(place, fail)
  const rule = (key: 'object' | 'operation'): Rule | null =>
    spec[key] === undefined ? null : compileRule(spec[key], false, part(key).path, fail)
  const list = spec.messages === undefined ? null : listPath(spec.messages, part('messages'))
  const object = rule('object')
  const operation = rule('operation')
  if (isMap(spec.object) && isMap(spec.object.map))
    checkObjects(mapping, spec.object.map, part('object'))
  if (isMap(spec.operation)) checkOperations(spec.operation, part('operation'))
  const partial = spec.then === 'partial'
  const keyOf =
    spec.key === undefined ? null : compileIds(spec.key, part('key').path, fail, (id) => id)
  const idOf =
    spec.id === undefined ? null : compileIds(spec.id, part('id').path, fail, mapping.idForm)
  const versionOf =
    spec.version === undefined
      ? null
      : mapping.compileMoments(spec.version, part('version').path, fail)
  return {
    verify: compileVerification(part('verify'), address),
    messagesIn: (body) => messagesIn(body, list),
    keyOf: (scope) => keyOf?.(scope) ?? null,
    objectOf: object && ((scope, report) => textOf(object, scope, report)),
    operationOf: (scope, named) => {
      const given = operation ? operationOf(operation, scope, named) : 'upsert'
      return partial && given === 'upsert' ? 'merge' : given
    },
    idOf: (scope) => idOf?.(scope) ?? null,
    versionOf: (scope) => versionOf?.(scope) ?? undefined,
    recordOf: compileRecord(spec.record, part('record'), mapping, fail),
    headers,
    outer,
  }
}

/** The list may be written with or without its final `[]`. */
function listPath(text: string, place: Located): Path {
  return pathAt(text.replace(/\[\]$/, ''), place.path, (at, message) =>
    failAt({ ...place, path: at }, message),
  )
}

/**
 * A body without the list is one message: a test event of the sender then becomes an exception with
 * its reason, where an empty list is nothing at all.
 */
function messagesIn(body: unknown, list: Path | null): unknown[] | null {
  if (!list) return Array.isArray(body) ? body : null
  const inner = (value: unknown): unknown[] | null => {
    // A path such as batches[].events leads to several lists.
    const found = list.all(scopeOf(value))
    return found.length === 0 ? null : found.flat()
  }
  return Array.isArray(body) ? body.flatMap((value) => inner(value) ?? [value]) : inner(body)
}

/**
 * Collects the facts of the delivery that the definition reads: only they are stored with a message,
 * so a batch is not stored as often as it has messages.
 */
function deliveryPaths(place: Located, fail: Fail): Pick<EventDefinition, 'headers' | 'outer'> {
  const headers = new Set<string>()
  const outer = new Map<string, OuterPath>()
  const visit = (value: unknown, at: readonly PropertyKey[]): void => {
    if (Array.isArray(value))
      value.forEach((v, i) => {
        visit(v, [...at, i])
      })
    else if (isMap(value))
      for (const [k, v] of Object.entries(value)) {
        visit(k, [...at, k])
        visit(v, [...at, k])
      }
    if (typeof value !== 'string' || !value.startsWith('$.')) return
    const [, from, ...names] = value.split('.')
    const simple = names.length > 0 && names.every((n) => /^[^[\]\s]+$/.test(n))
    if (
      !simple ||
      (from !== 'header' && from !== 'body') ||
      (from === 'header' && names.length > 1)
    )
      fail(
        at,
        `"${value}" is not a path of the delivery: write $.header.NAME, or $.body.name.name for a single value of the whole body`,
      )
    else if (from === 'header') headers.add((names[0] ?? '').toLowerCase())
    else outer.set(value, { names, path: pathAt(value, at, fail) })
  }
  for (const [k, v] of Object.entries(place.value as Fields))
    if (k !== 'verify') visit(v, [...place.path, k])
  return { headers: [...headers], outer: [...outer.values()] }
}

function checkObjects(mapping: Mapping, map: Fields, place: Located): void {
  for (const [code, name] of Object.entries(map))
    if (name !== null && !mapping.find(String(name)))
      failAt(
        place,
        `object: "${String(name)}" is not an object of the mapping; it has ${mapping.names.join(', ')}`,
        ['map', code],
      )
}

function checkOperations(spec: Fields, place: Located): void {
  const written: [PropertyKey[], unknown][] = isMap(spec.map)
    ? Object.entries(spec.map).map(([code, v]) => [['map', code], v])
    : []
  for (const key of ['constant', 'otherwise'])
    if (Object.hasOwn(spec, key)) written.push([[key], ownValue(spec, key)])
  for (const [at, value] of written)
    if (!isOperation(value))
      failAt(place, `operation: "${String(value)}" is not one of ${OPERATIONS.join(', ')}`, at)
}

function isOperation(value: unknown): value is Operation {
  return OPERATIONS.some((o) => o === value)
}

function operationOf(rule: Rule, scope: Scope, object: string): Operation {
  const reasons: string[] = []
  const [found] = rule(scope, (_, detail) => reasons.push(detail))
  const named = typeof found === 'string' ? found.toLowerCase() : found
  if (isOperation(named)) return named
  throw new MessageError(
    'UNKNOWN_CHANGE',
    reasons[0] ??
      (found === undefined
        ? 'the event names no operation at the path of operation: in the definition of events'
        : `the operation is ${JSON.stringify(found)}; allowed are ${OPERATIONS.join(', ')}`),
    { object, field: 'operation' },
  )
}

function textOf(
  rule: Rule,
  scope: Scope,
  report: (detail: string) => void = () => {},
): string | null {
  const [found] = rule(scope, (_, detail) => report(detail))
  const text = typeof found === 'string' ? found.trim() : found
  return text === undefined || text === null || text === '' || typeof text === 'object'
    ? null
    : String(text)
}
