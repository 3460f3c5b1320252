import {
  defaultTypeResolver,
  type ExecutionResult,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  getArgumentValues,
  isObjectType,
  locatedError,
} from 'graphql'
import { getVariableValues } from 'graphql/execution/values.js'
import { createDictionary, type Dictionary } from '../../schema/kit/dictionary.ts'
import type { FetchPlan, FieldPlan, ValuePlan } from './compileFetch.ts'

/** A position in the response: `holder` is the object or list that has the value under `key`. */
interface Place {
  up: Place | null
  holder: Dictionary<unknown>
  key: string | number
  nonNull: boolean
  /** True if an error below it has set it to null. */
  dead: boolean
}

export interface FetchArgs {
  contextValue: unknown
  rootValue?: unknown
  variableValues?: Readonly<Record<string, unknown>> | null | undefined
}

/**
 * Executes a compiled fetch as graphql-js does (a test compares the two). It writes each value to
 * its place on arrival, and does not wait for the promises of each object and each list.
 */
export function executeFetch(
  plan: FetchPlan,
  args: FetchArgs,
): ExecutionResult | Promise<ExecutionResult> {
  const definitions = plan.operation.variableDefinitions ?? []
  const { coerced, errors } = definitions.length
    ? getVariableValues(plan.schema, definitions, args.variableValues ?? {}, { maxErrors: 50 })
    : { coerced: {}, errors: undefined }
  return errors ? { errors } : new Execution(plan, args, coerced as Record<string, unknown>).run()
}

class Execution {
  readonly #plan: FetchPlan
  readonly #context: unknown
  readonly #root: unknown
  readonly #variables: Record<string, unknown>
  readonly #arguments: (Record<string, unknown> | undefined)[] = []
  readonly #errors: GraphQLError[] = []
  readonly #response: { data: unknown } = { data: undefined }
  #pending = 0
  #settle: (() => void) | undefined

  constructor(
    plan: FetchPlan,
    { contextValue, rootValue }: FetchArgs,
    variables: Record<string, unknown>,
  ) {
    this.#plan = plan
    this.#context = contextValue
    this.#root = rootValue
    this.#variables = variables
  }

  run(): ExecutionResult | Promise<ExecutionResult> {
    const holder = this.#response as unknown as Dictionary<unknown>
    const place: Place = { up: null, holder, key: 'data', nonNull: false, dead: false }
    this.#object(this.#plan.root, this.#root, place)
    if (this.#pending === 0) return this.#result()
    return new Promise((resolve) => {
      this.#settle = () => resolve(this.#result())
    })
  }

  #result(): ExecutionResult {
    const data = this.#response.data as ExecutionResult['data']
    return this.#errors.length === 0 ? { data } : { errors: this.#errors, data }
  }

  /** Resolves the selected fields of an object into a new one at its place. */
  #object(fields: readonly FieldPlan[], source: unknown, place: Place): void {
    const into = createDictionary<unknown>()
    place.holder[place.key] = into
    for (const plan of fields) {
      if (plan.isTypename) {
        into[plan.key] = plan.parent.name
        continue
      }
      // Fixes the order of the keys: values may arrive in another one.
      into[plan.key] = undefined
      this.#field(plan, source, into, place)
      if (place.dead) return
    }
  }

  #field(plan: FieldPlan, source: unknown, into: Dictionary<unknown>, up: Place): void {
    const { field, key, value } = plan
    let result: unknown
    try {
      const { resolve } = field
      if (resolve)
        result = resolve(
          source,
          this.#argumentsOf(plan) as never,
          this.#context,
          this.#info(plan, up, key),
        )
      else {
        // dictionary: a field of the schema, and readPolicy rejects names that objects inherit
        result = (source as Record<string, unknown> | null | undefined)?.[field.name]
        if (typeof result === 'function')
          result = result.call(
            source,
            this.#argumentsOf(plan),
            this.#context,
            this.#info(plan, up, key),
          )
      }
    } catch (e) {
      this.#fail(e, plan, { up, holder: into, key, nonNull: value.nonNull, dead: false })
      return
    }
    // The most frequent case needs no place of its own.
    if (value.kind === 'LEAF' && result !== undefined && typeof result !== 'object') {
      try {
        into[key] = serialize(value.type as GraphQLLeafType, result)
      } catch (e) {
        this.#fail(e, plan, { up, holder: into, key, nonNull: value.nonNull, dead: false })
      }
      return
    }
    this.#value(value, result, plan, { up, holder: into, key, nonNull: value.nonNull, dead: false })
  }

  #value(value: ValuePlan, result: unknown, plan: FieldPlan, place: Place): void {
    if (isPromise(result)) {
      this.#later(result, place, (settled) => this.#value(value, settled, plan, place), plan)
      return
    }
    if (result instanceof Error) this.#fail(result, plan, place)
    else if (result === null || result === undefined) {
      if (!value.nonNull) place.holder[place.key] = null
      else
        this.#fail(
          new Error(
            `Cannot return null for non-nullable field ${plan.parent.name}.${plan.field.name}.`,
          ),
          plan,
          place,
        )
    } else if (value.kind === 'OBJECT')
      this.#object(value.fieldsOf(value.type as GraphQLObjectType), result, place)
    else if (value.kind === 'ABSTRACT') this.#abstract(value, result, plan, place)
    else
      try {
        if (value.kind === 'LIST') this.#list(value, result, plan, place)
        else place.holder[place.key] = serialize(value.type as GraphQLLeafType, result)
      } catch (e) {
        this.#fail(e, plan, place)
      }
  }

  #list(value: ValuePlan, result: unknown, plan: FieldPlan, place: Place): void {
    if (typeof result !== 'object' || !(Symbol.iterator in (result as object)))
      throw new GraphQLError(
        `Expected Iterable, but did not find one for field "${plan.parent.name}.${plan.field.name}".`,
      )
    const items = Array.isArray(result) ? result : [...(result as Iterable<unknown>)]
    const into: unknown[] = new Array(items.length)
    place.holder[place.key] = into
    const item = value.item as ValuePlan
    for (let n = 0; n < items.length; n++) {
      const holder = into as unknown as Dictionary<unknown>
      this.#value(item, items[n], plan, {
        up: place,
        holder,
        key: n,
        nonNull: item.nonNull,
        dead: false,
      })
      if (place.dead) return
    }
  }

  #abstract(value: ValuePlan, result: unknown, plan: FieldPlan, place: Place): void {
    const type = value.type as GraphQLAbstractType
    const found = (name: unknown) => {
      const object = typeof name === 'string' ? this.#plan.schema.getType(name) : undefined
      if (!isObjectType(object) || !this.#plan.schema.isSubType(type, object))
        throw new GraphQLError(
          `Abstract type "${type.name}" was resolved to ${JSON.stringify(name) ?? 'nothing'}, which is none of its types, at ${plan.parent.name}.${plan.field.name}`,
        )
      this.#object(value.fieldsOf(object), result, place)
    }
    try {
      const resolve = type.resolveType ?? defaultTypeResolver
      const name = resolve(result, this.#context, this.#info(plan, place), type)
      if (isPromise(name)) this.#later(name, place, found, plan)
      else found(name)
    } catch (e) {
      this.#fail(e, plan, place)
    }
  }

  /** Continues when the promise has settled; the response waits for it. */
  #later(
    promise: PromiseLike<unknown>,
    place: Place,
    next: (value: unknown) => void,
    plan: FieldPlan,
  ): void {
    this.#pending++
    const end = () => {
      if (--this.#pending === 0) this.#settle?.()
    }
    promise.then(
      (value) => {
        try {
          if (!isDead(place)) next(value)
        } catch (e) {
          this.#fail(e, plan, place)
        }
        end()
      },
      (e) => {
        this.#fail(e, plan, place)
        end()
      },
    )
  }

  /** Records the error and sets the nearest place around it that may be null to null. */
  #fail(raw: unknown, { nodes }: FieldPlan, place: Place): void {
    if (isDead(place)) return
    this.#errors.push(locatedError(raw, nodes, pathOf(place)))
    let at: Place = place
    while (at.nonNull && at.up) {
      at.dead = true
      at = at.up
    }
    at.dead = true
    at.holder[at.key] = null
  }

  #argumentsOf({ args, field, nodes, slot }: FieldPlan): Record<string, unknown> {
    if (args) return args
    let known = this.#arguments[slot]
    if (!known) {
      known = getArgumentValues(field, nodes[0] as never, this.#variables)
      this.#arguments[slot] = known
    }
    return known
  }

  #info(plan: FieldPlan, place: Place, key: string | null = null): GraphQLResolveInfo {
    return new ResolveInfo(
      plan,
      this.#plan,
      this.#root,
      this.#variables,
      place,
      key,
    ) as unknown as GraphQLResolveInfo
  }
}

/**
 * The argument in which graphql-js describes a field to its resolver. Few resolvers read it, so its
 * parts are derived on access.
 */
class ResolveInfo {
  readonly #field: FieldPlan
  readonly #plan: FetchPlan
  readonly #place: Place
  readonly #key: string | null
  readonly rootValue: unknown
  readonly variableValues: Record<string, unknown>

  constructor(
    field: FieldPlan,
    plan: FetchPlan,
    rootValue: unknown,
    variableValues: Record<string, unknown>,
    place: Place,
    key: string | null,
  ) {
    this.#field = field
    this.#plan = plan
    this.rootValue = rootValue
    this.variableValues = variableValues
    this.#place = place
    this.#key = key
  }

  get fieldName(): string {
    return this.#field.field.name
  }

  get fieldNodes(): FieldPlan['nodes'] {
    return this.#field.nodes
  }

  get returnType(): GraphQLOutputType {
    return this.#field.field.type
  }

  get parentType(): GraphQLObjectType {
    return this.#field.parent
  }

  get schema(): FetchPlan['schema'] {
    return this.#plan.schema
  }

  get fragments(): FetchPlan['fragments'] {
    return this.#plan.fragments
  }

  get operation(): FetchPlan['operation'] {
    return this.#plan.operation
  }

  get path(): GraphQLResolveInfo['path'] | undefined {
    const path = pathOf(this.#place)
    if (this.#key !== null) path.push(this.#key)
    return path.reduce<GraphQLResolveInfo['path'] | undefined>(
      (prev, key) => ({ prev, key, typename: undefined }),
      undefined,
    )
  }
}

function serialize(type: GraphQLLeafType, value: unknown): unknown {
  const shown = type.serialize(value)
  if (shown === null || shown === undefined)
    throw new Error(
      `Expected \`${type.name}.serialize(...)\` to return non-nullable value, returned: ${shown}`,
    )
  return shown
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Returns true if the place, or one around it, has become null. */
function isDead(place: Place): boolean {
  for (let at: Place | null = place; at; at = at.up) if (at.dead) return true
  return false
}

function pathOf(place: Place): (string | number)[] {
  const path: (string | number)[] = []
  for (let at: Place | null = place; at?.up; at = at.up) path.unshift(at.key)
  return path
}
