/**
 * A golden record as it was at a moment has an id of its own: the golden id, `@` and the moment.
 * Clients cache objects by type and id, and would take an earlier record for the present one.
 */
export function pastId(goldenId: string, moment: string): string {
  return `${goldenId}@${moment}`
}

/** Returns the golden id of an id, and its moment; null for the id of a present object. */
export function readPastId(id: string): { id: string; moment: string | null } {
  const at = id.indexOf('@')
  if (at < 0) return { id, moment: null }
  const moment = new Date(id.slice(at + 1))
  // An id with anything else after the golden id is unknown.
  if (Number.isNaN(moment.getTime()) || moment.toISOString() !== id.slice(at + 1))
    return { id, moment: null }
  return { id: id.slice(0, at), moment: moment.toISOString() }
}

/** Returns the reference to an object by its present id: what is related to it is always present. */
export function presentReference<R extends { id?: unknown }>(reference: R): R {
  if (typeof reference.id !== 'string') return reference
  const { id, moment } = readPastId(reference.id)
  return moment === null ? reference : { ...reference, id }
}
