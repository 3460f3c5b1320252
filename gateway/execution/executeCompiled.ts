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
import type { FieldPlan, OperationPlan, ValuePlan } from './compileOperation.ts'

/** Where a value stands in the answer: `holder` is the object or list that has it under `key`. */
interface Place {
  up: Place | null
  holder: Record<string | number, unknown>
  key: string | number
  nonNull: boolean
  /** It became null because something in it had to be there and was not. */
  dead: boolean
}

export interface CompiledArgs {
  contextValue: unknown
  rootValue?: unknown
  variableValues?: Readonly<Record<string, unknown>> | null | undefined
}

/**
 * Executes a compiled query as graphql-js does (the test compares the two), but writes values where they belong as they
 * come, instead of waiting for the promises of each object and each list on its own.
 */
export function executeCompiled(plan: OperationPlan, args: CompiledArgs): ExecutionResult | Promise<ExecutionResult> {
  const definitions = plan.operation.variableDefinitions ?? []
  const { coerced, errors } = definitions.length
    ? getVariableValues(plan.schema, definitions, args.variableValues ?? {}, { maxErrors: 50 })
    : { coerced: {}, errors: undefined }
  return errors ? { errors } : new Execution(plan, args, coerced as Record<string, unknown>).run()
}

class Execution {
  readonly #plan: OperationPlan
  readonly #context: unknown
  readonly #root: unknown
  readonly #variables: Record<string, unknown>
  readonly #arguments: (Record<string, unknown> | undefined)[] = []
  readonly #errors: GraphQLError[] = []
  readonly #answer: { data: unknown } = { data: undefined }
  #pending = 0
  #settle: (() => void) | undefined

  constructor(plan: OperationPlan, { contextValue, rootValue }: CompiledArgs, variables: Record<string, unknown>) {
    this.#plan = plan
    this.#context = contextValue
    this.#root = rootValue
    this.#variables = variables
  }

  run(): ExecutionResult | Promise<ExecutionResult> {
    const holder = this.#answer as Record<string, unknown>
    const place: Place = { up: null, holder, key: 'data', nonNull: false, dead: false }
    this.#object(this.#plan.root, this.#root, place)
    if (this.#pending === 0) return this.#result()
    return new Promise((resolve) => {
      this.#settle = () => resolve(this.#result())
    })
  }

  #result(): ExecutionResult {
    const data = this.#answer.data as ExecutionResult['data']
    return this.#errors.length === 0 ? { data } : { errors: this.#errors, data }
  }

  /** What is selected of an object, into a new one at its place. */
  #object(fields: readonly FieldPlan[], source: unknown, place: Place): void {
    const into: Record<string, unknown> = {}
    place.holder[place.key] = into
    for (const plan of fields) {
      if (plan.typename) {
        into[plan.key] = plan.parent.name
        continue
      }
      // Keeps the order of keys, in which values come at their own time.
      into[plan.key] = undefined
      this.#field(plan, source, into, place)
      if (place.dead) return
    }
  }

  #field(plan: FieldPlan, source: unknown, into: Record<string, unknown>, up: Place): void {
    const { field, key, value } = plan
    let result: unknown
    try {
      const { resolve } = field
      if (resolve)
        result =
          resolve.length < 4
            ? resolve(source, this.#argumentsOf(plan) as never, this.#context, undefined as never)
            : resolve(source, this.#argumentsOf(plan) as never, this.#context, this.#info(plan, up, key))
      else {
        result = (source as Record<string, unknown> | null | undefined)?.[field.name]
        if (typeof result === 'function')
          result = (source as Record<string, (...args: unknown[]) => unknown>)[field.name]?.(
            this.#argumentsOf(plan),
            this.#context,
            this.#info(plan, up, key),
          )
      }
    } catch (e) {
      this.#fail(e, plan, { up, holder: into, key, nonNull: value.nonNull, dead: false })
      return
    }
    // The most frequent case, without a place of its own.
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
          new Error(`Cannot return null for non-nullable field ${plan.parent.name}.${plan.field.name}.`),
          plan,
          place,
        )
    } else if (value.kind === 'OBJECT') this.#object(value.selected(value.type as GraphQLObjectType), result, place)
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
      const holder = into as unknown as Record<number, unknown>
      this.#value(item, items[n], plan, { up: place, holder, key: n, nonNull: item.nonNull, dead: false })
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
      this.#object(value.selected(object), result, place)
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

  /** Goes on when the promise has settled; the answer waits for it. */
  #later(promise: PromiseLike<unknown>, place: Place, next: (value: unknown) => void, plan: FieldPlan): void {
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

  /** Notes the error, and makes null what has to be: the nearest place around that may be. */
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

  #info(plan: FieldPlan, place: Place, key?: string): GraphQLResolveInfo {
    return new ResolveInfo(plan, this.#plan, this.#root, this.#variables, place, key) as unknown as GraphQLResolveInfo
  }
}

/** What graphql-js tells a resolver of its field, but for the path, which is worked out for who asks. */
class ResolveInfo {
  readonly fieldName: string
  readonly fieldNodes: FieldPlan['nodes']
  readonly returnType: GraphQLOutputType
  readonly parentType: GraphQLObjectType
  readonly schema: OperationPlan['schema']
  readonly fragments: OperationPlan['fragments']
  readonly operation: OperationPlan['operation']
  readonly rootValue: unknown
  readonly variableValues: Record<string, unknown>
  readonly #place: Place
  readonly #key: string | undefined

  constructor(
    { field, nodes, parent }: FieldPlan,
    { schema, fragments, operation }: OperationPlan,
    root: unknown,
    variables: Record<string, unknown>,
    place: Place,
    key: string | undefined,
  ) {
    this.fieldName = field.name
    this.fieldNodes = nodes
    this.returnType = field.type
    this.parentType = parent
    this.schema = schema
    this.fragments = fragments
    this.operation = operation
    this.rootValue = root
    this.variableValues = variables
    this.#place = place
    this.#key = key
  }

  get path(): GraphQLResolveInfo['path'] | undefined {
    const path = pathOf(this.#place)
    if (this.#key !== undefined) path.push(this.#key)
    return path.reduce<GraphQLResolveInfo['path'] | undefined>(
      (prev, at) => ({ prev, key: at, typename: undefined }),
      undefined,
    )
  }
}

function serialize(type: GraphQLLeafType, value: unknown): unknown {
  const shown = type.serialize(value)
  if (shown === null || shown === undefined)
    throw new Error(`Expected \`${type.name}.serialize(...)\` to return non-nullable value, returned: ${shown}`)
  return shown
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Something around it has become null. */
function isDead(place: Place): boolean {
  for (let at: Place | null = place; at; at = at.up) if (at.dead) return true
  return false
}

function pathOf(place: Place): (string | number)[] {
  const path: (string | number)[] = []
  for (let at: Place | null = place; at?.up; at = at.up) path.unshift(at.key)
  return path
}
