import { isDeepStrictEqual } from 'node:util'
import { closest, distance } from 'fastest-levenshtein'
import { isOperational, KEPT, OPERATIONAL } from '../../schema/operational.ts'
import type { Policy } from '../../schema/policy.ts'
import { type Canonical, type Issue, type MappingStep, MessageError } from '../contract.ts'
import type { YamlFile } from '../yamlFile.ts'
import type { CodeList } from './codes.ts'
import { compileDeletion, type Deletion } from './deletion.ts'
import {
  failAt,
  type Located,
  type MappingDocument,
  type ObjectDocument,
  readDocument,
} from './document.ts'
import { compileField } from './field.ts'
import type { Evaluate, FieldContext } from './fieldContext.ts'
import { compileIds, compileMoments, momentOf } from './identity.ts'
import { ID_FORMS } from './idForm.ts'
import { compileInverse, type FieldInverse } from './inverse.ts'
import { foldName, type Scope, scopeOf } from './path.ts'
import { compileWhen, type Fail } from './rule.ts'
import { readSettings, type Settings } from './settings.ts'
import { shapesOf } from './shape.ts'
import { completeSubscription, ONLY_READ } from './subscription.ts'
import { valuePaths } from './valuePaths.ts'

/** The compiled mapping of one object of a source system. */
export interface MappedObject {
  name: string
  /** A golden type, an operational object or `Kept`. */
  as: string
  /** Whether its id is another one than that of the object whose records it is read from. */
  hasOwnId: boolean
  /** Returns null where the record has no id. */
  idOf(scope: Scope): string | null
  /**
   * Returns null where the record gives no version. Throws MessageError for a value that is not a
   * time.
   */
  versionOf(scope: Scope): bigint | null
  deletedOf(scope: Scope): boolean
  /** Returns false where the condition `when:` of the object does not hold. */
  applies(scope: Scope): boolean
  /** Objects that are read from the same raw record too. */
  derived: MappedObject[]
  /** The object whose records it is read from; null where they are its own. */
  of: MappedObject | null
  /** The inverse of each rule of a golden type. */
  inverses: ReadonlyMap<string, InverseAt>
  /** Fields without which a record is incomplete. */
  required: readonly string[]
  map(raw: Record<string, unknown>): Canonical
  explain(raw: Record<string, unknown>): MappingStep[]
}

/** The inverse of a rule, with its location. */
export interface InverseAt extends FieldInverse {
  place: Located
}

export interface Mapping {
  /** Finds an object by name or alias; case and underscores are ignored. */
  find(name: string): MappedObject | null
  /** Finds an object as `find` does, or throws MessageError UNKNOWN_OBJECT. */
  require(name: string): MappedObject
  names: string[]
  idForm(id: string): string
  /**
   * Returns the time of a change that a message states beside the record, in the forms of the source
   * system. Throws MessageError INVALID_VERSION with `at`.
   */
  momentOf(value: unknown, at: { object?: string; sourceId?: string; field: string }): bigint
  /** Compiles a time that stands beside the record, in the forms of the source system. */
  compileMoments(
    spec: unknown,
    at: readonly PropertyKey[],
    fail: Fail,
  ): (scope: Scope) => bigint | null
  /** Its definition of webhook events; null where it has none. */
  events: Located | null
}

/**
 * Compiles a mapping and its overlays for one source system. Throws ConfigError with file and line.
 */
export function compileMapping(
  files: YamlFile[],
  source: string,
  policy: Policy,
  codes: ReadonlyMap<string, CodeList> = new Map(),
): Mapping {
  const doc = readDocument(files)
  const settings = readSettings(doc)
  const named = nameIndex(doc)
  const compiled = new Map<string, MappedObject>()
  for (const object of doc.objects.values())
    compiled.set(object.name, compileObject(object, doc, settings, named, source, policy, codes))
  for (const object of doc.objects.values()) derive(object, doc, compiled, named)
  const names = [...compiled.keys()]
  const find = (name: string) => compiled.get(named.get(foldName(name)) ?? '') ?? null
  return {
    find,
    require: (name) => find(name) ?? unknownObject(name, source, names),
    names,
    idForm: ID_FORMS[settings.ids],
    momentOf: (value, at) => momentOf(value, at, settings.times),
    compileMoments: (spec, at, fail) =>
      compileMoments(spec, at, fail, settings.times, settings.isPlaceholder),
    events: doc.settings.get('events') ?? null,
  }
}

/**
 * Maps folded names and aliases to names. Throws ConfigError where two objects have the same name.
 */
function nameIndex(doc: MappingDocument): Map<string, string> {
  const index = new Map<string, string>()
  for (const object of doc.objects.values()) {
    const aliases = object.parts.get('aliases')
    for (const name of [object.name, ...[aliases?.value ?? []].flat().map(String)]) {
      const taken = index.get(foldName(name))
      if (taken && taken !== object.name)
        failAt(
          aliases ?? object.place,
          `"${name}" is a name of both ${taken} and ${object.name} (case and underscores are ignored)`,
        )
      index.set(foldName(name), object.name)
    }
  }
  return index
}

function compileObject(
  object: ObjectDocument,
  doc: MappingDocument,
  settings: Settings,
  named: Map<string, string>,
  source: string,
  policy: Policy,
  codes: ReadonlyMap<string, CodeList>,
): MappedObject {
  const as = typeOf(object, policy)
  const part = (key: string): Located | undefined => object.parts.get(key) ?? doc.every.get(key)
  const idPlace = part('id')
  if (!idPlace)
    return failAt(object.place, `${object.name} needs id: with the path of the record's id`)
  const idForm = ID_FORMS[settings.ids]
  const idOf = compileIds(idPlace.value, idPlace.path, failIn(idPlace), idForm)
  const versionPlace = part('version')
  const { times, isPlaceholder } = settings
  const versionOf = versionPlace
    ? compileMoments(
        versionPlace.value,
        versionPlace.path,
        failIn(versionPlace),
        times,
        isPlaceholder,
      )
    : () => null
  const deletedPlace = part('deleted')
  const deletion: Deletion = deletedPlace
    ? compileDeletion(deletedPlace.value, deletedPlace.path, failIn(deletedPlace), isPlaceholder)
    : () => false
  const whenPlace = object.parts.get('when')
  const applies = whenPlace
    ? compileWhen(whenPlace.value, whenPlace.path, failIn(whenPlace))
    : () => true

  const shapes = shapesOf(as, policy) ?? []
  const fields: [string, Evaluate][] = []
  const inverses = new Map<string, InverseAt>()
  const isGolden = policy.types.some((t) => t.name === as)
  const readers = isGolden ? fieldsByPath([...object.fields, ['id', idPlace]]) : new Map()
  for (const [name, place] of object.fields) {
    const shape = shapes.find((s) => s.name === name)
    if (!shape)
      return failAt(
        place,
        unknownField(
          name,
          as,
          shapes.map((s) => s.name),
        ),
      )
    const ctx: FieldContext = {
      source,
      idForm,
      times,
      isPlaceholder,
      separator: settings.separator,
      minorExponents: settings.minorExponents,
      codes: (list) => codes.get(list) ?? null,
      fail: failIn(place),
      target: (target, at) => {
        const found = doc.objects.get(named.get(foldName(target)) ?? '')
        if (!found)
          return failIn(place)(
            at,
            `unknown object "${target}"; the mapping has ${[...doc.objects.keys()].join(', ')}`,
          )
        return { object: found.name, as: typeOf(found, policy) }
      },
    }
    const evaluate = compileField(place.value, shape, name, place.path, ctx)
    fields.push([name, evaluate])
    if (!isGolden) continue
    const readersOf = (path: string) => readersBut(readers, path, name)
    const inverse = compileInverse(place.value, shape, name, place.path, ctx, readersOf, evaluate)
    inverses.set(name, { ...inverse, place })
  }
  const required = shapes.filter((s) => s.required).map((s) => s.name)
  for (const name of required)
    if (!object.fields.has(name))
      failAt(object.place, `${object.name} is mapped as ${as}, which needs a rule for "${name}"`)

  return {
    name: object.name,
    as,
    hasOwnId: false,
    idOf,
    versionOf,
    deletedOf: (scope) => deletion(scope),
    applies,
    derived: [],
    of: null,
    inverses,
    required,
    map: (raw) => mapRecord(as, raw, fields, required, deletion),
    explain: (raw) => [
      ...explainRecord(as, raw, fields, required, object.fields),
      ...explainDeletion(raw, deletion, deletedPlace),
    ],
  }
}

/** Returns the fields that are read from each path, by the folded text of the path. */
function fieldsByPath(rules: Iterable<readonly [string, Located]>): Map<string, Set<string>> {
  const readers = new Map<string, Set<string>>()
  for (const [field, { value }] of rules)
    for (const path of valuePaths(value)) {
      const of = readers.get(foldName(path)) ?? new Set()
      readers.set(foldName(path), of.add(field))
    }
  return readers
}

function readersBut(
  readers: ReadonlyMap<string, ReadonlySet<string>>,
  path: string,
  name: string,
): string[] {
  return [...(readers.get(foldName(path)) ?? [])].filter((field) => field !== name)
}

/**
 * Returns one step per field in the order of the mapping, then the required fields without a usable
 * value.
 */
function explainRecord(
  as: string,
  raw: Record<string, unknown>,
  fields: [string, Evaluate][],
  required: string[],
  places: ReadonlyMap<string, Located>,
): MappingStep[] {
  const steps = fields.map(([field, evaluate]): MappingStep => {
    const issues: Issue[] = []
    const reads: MappingStep['reads'] = []
    const value = evaluate(
      { ...scopeOf(raw), onRead: (path, values) => reads.push({ path, values }) },
      issues,
    )
    const place = places.get(field)
    return {
      field,
      line: place ? place.file.at(place.path) : null,
      rule: place?.value,
      reads,
      value,
      issues,
    }
  })
  if (as === 'Subscription') completeSteps(steps)
  const missing = required.filter(
    (name) => steps.find((s) => s.field === name)?.value === undefined,
  )
  return [
    ...steps,
    ...missing.map((field) => {
      return {
        field,
        line: null,
        rule: null,
        reads: [],
        value: undefined,
        issues: [requiredIssue(as, field)],
      }
    }),
  ]
}

/** Returns a step for a deletion flag that is neither true nor false; none for any other. */
function explainDeletion(
  raw: Record<string, unknown>,
  deletion: Deletion,
  place: Located | undefined,
): MappingStep[] {
  const issues: Issue[] = []
  const reads: MappingStep['reads'] = []
  const value = deletion(
    { ...scopeOf(raw), onRead: (path, values) => reads.push({ path, values }) },
    issues,
  )
  if (issues.length === 0 || !place) return []
  const line = place.file.at(place.path)
  return [{ field: 'deleted', line, rule: place.value, reads, value, issues }]
}

/** Gives the steps of a subscription the values that its items decide. */
function completeSteps(steps: MappingStep[]): void {
  const values = new Map(
    steps.flatMap((s): [string, unknown][] => (s.value === undefined ? [] : [[s.field, s.value]])),
  )
  const issues: Issue[] = []
  completeSubscription(values, issues)
  for (const step of steps) {
    if (!ONLY_READ.includes(step.field)) step.value = values.get(step.field)
    step.issues.push(...issues.filter((i) => i.field === step.field))
  }
}

function requiredIssue(as: string, field: string): Issue {
  return {
    field,
    code: 'REQUIRED',
    detail: `${field} is required for a ${as}; the record has no usable value for it`,
  }
}

function mapRecord(
  as: string,
  raw: Record<string, unknown>,
  fields: [string, Evaluate][],
  required: string[],
  deletion: Deletion,
): Canonical {
  const scope = scopeOf(raw)
  const issues: Issue[] = []
  const values = new Map<string, unknown>()
  for (const [name, evaluate] of fields) {
    const value = evaluate(scope, issues)
    if (value !== undefined) values.set(name, value)
  }
  if (as === 'Subscription') completeSubscription(values, issues)
  const missing = required.filter((name) => !values.has(name))
  for (const field of missing) issues.push(requiredIssue(as, field))
  deletion(scope, issues)
  return { type: as, fields: Object.fromEntries(values), issues, complete: missing.length === 0 }
}

/** Registers an object with `of:` at the object whose records it is read from. */
function derive(
  object: ObjectDocument,
  doc: MappingDocument,
  compiled: Map<string, MappedObject>,
  named: Map<string, string>,
): void {
  const of = object.parts.get('of')
  const when = object.parts.get('when')
  if (when && !of)
    failAt(
      when,
      'when: is only allowed beside of:, for an object that is read from records of another',
    )
  if (!of) return
  const base = compiled.get(named.get(foldName(String(of.value))) ?? '')
  const own = compiled.get(object.name)
  if (!base || !own || base === own)
    failAt(of, `of: "${String(of.value)}" is not another object of the mapping`)
  else {
    const idOf = (name: string) =>
      (doc.objects.get(name)?.parts.get('id') ?? doc.every.get('id'))?.value
    own.hasOwnId = !isDeepStrictEqual(idOf(own.name), idOf(base.name))
    base.derived.push(own)
    own.of = base
  }
}

function typeOf(object: ObjectDocument, policy: Policy): string {
  const place = object.parts.get('as')
  const types = [...policy.types.map((t) => t.name), ...Object.keys(OPERATIONAL), KEPT]
  if (!place)
    return failAt(object.place, `${object.name} needs as: with one of ${types.join(', ')}`)
  const as = String(place.value)
  if (!types.includes(as))
    return failAt(place, `unknown type "${as}"; allowed are ${types.join(', ')}`)
  if (!isOperational(as) && as === KEPT && object.fields.size > 0)
    return failAt(object.place, `${object.name} is Kept: it is stored whole and cannot have fields`)
  return as
}

function failIn(place: Located): Fail {
  return (path, message) => failAt({ ...place, path }, message)
}

function unknownField(name: string, as: string, fields: string[]): string {
  return `unknown field "${name}" of ${as}${suggestion(name, fields)}; it has ${fields.join(', ') || 'none'}`
}

function unknownObject(name: string, source: string, names: string[]): never {
  throw new MessageError(
    'UNKNOWN_OBJECT',
    `the mapping of ${source} has no object "${name.slice(0, 100)}"${suggestion(name, names)}; add it to the mapping or an overlay, under objects: or kept:`,
    { object: name.slice(0, 100) },
  )
}

const typosMax = 3

/** Returns ` (did you mean X?)` for a name with few typing mistakes, else an empty text. */
export function suggestion(name: string, names: string[]): string {
  const near = names.length > 0 ? closest(name.slice(0, 100), names) : ''
  return near !== '' && distance(name, near) <= typosMax ? ` (did you mean ${near}?)` : ''
}
