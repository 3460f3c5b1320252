import type { Received, Reply } from '../kit/server.ts'
import type { Account } from './account.ts'
import { associationTypes } from './associationTypes.ts'
import { badRequest } from './errors.ts'
import type { ObjectType } from './objects.ts'
import { inputIds, jsonOf, queryOf } from './objectsApi.ts'

const inputsMax = 1000
const pageMax = 500

/** The endpoints of associations, version 4. */
export class AssociationsApi {
  readonly #account: Account
  readonly #url: () => string

  constructor(account: Account, url: () => string) {
    this.#account = account
    this.#url = url
  }

  /**
   * Returns the associations of many records. An input without any is an error in the body, and
   * the status is then 207.
   */
  batchRead(type: ObjectType, other: ObjectType, request: Received): Reply {
    queryOf(request).end()
    this.#check(type, other)
    const body = jsonOf(request)
    const ids = inputIds(body, ['inputs'], inputsMax)
    const { inputs } = body as { inputs: { after?: unknown }[] }
    const lists = ids.map((id, at) => this.#page(type, id, other, inputs[at]!.after, pageMax))
    const results = lists.flatMap(({ results: to, ...rest }, at) =>
      to.length === 0 ? [] : [{ from: { id: ids[at]! }, to, ...rest }],
    )
    const errors = ids
      .filter((_id, at) => lists[at]!.results.length === 0)
      .map((id) => ({
        status: 'error',
        category: 'OBJECT_NOT_FOUND',
        subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
        message: `No ${other.singular} is associated with ${type.singular} ${id}.`,
        context: {
          fromObjectId: [id],
          fromObjectType: [type.singular],
          toObjectType: [other.singular],
        },
      }))
    const time = new Date(this.#account.store.clock.now()).toISOString()
    const done = { status: 'COMPLETE', results, startedAt: time, completedAt: time }
    if (errors.length === 0) return { status: 200, body: done }
    return { status: 207, body: { ...done, numErrors: errors.length, errors } }
  }

  list(type: ObjectType, id: string, other: ObjectType, request: Received): Reply {
    const query = queryOf(request)
    const limit = query.integer('limit', 1, pageMax, pageMax)
    const after = query.text('after')
    query.end()
    this.#check(type, other)
    return { status: 200, body: this.#page(type, id, other, after, limit) }
  }

  #page(type: ObjectType, id: string, other: ObjectType, after: unknown, limit: number) {
    const targets = this.#account.associated(type, id, other)
    const first = after === undefined ? 0 : targets.indexOf(String(after))
    if (first < 0) throw badRequest(`after "${String(after)}" is not valid`)
    const results = targets.slice(first, first + limit).map((target) => ({
      toObjectId: Number(target),
      associationTypes: this.#account.links.types(type.name, id, other.name, target),
    }))
    const next = targets[first + limit]
    if (next === undefined) return { results }
    const link = `${this.#url()}/crm/v4/objects/${type.name}/${id}/associations/${other.name}`
    return { results, paging: { next: { after: next, link: `${link}?after=${next}` } } }
  }

  #check(type: ObjectType, other: ObjectType): void {
    if (associationTypes(type.name, other.name, false).length === 0)
      throw badRequest(`${type.name} have no association with ${other.name}`)
  }
}
