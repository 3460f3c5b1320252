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
  const written = id.slice(at + 1)
  const moment = new Date(written)
  // An id with anything else after the golden id is unknown. So are moments outside the years 1 to
  // 9999, which the database cannot compare.
  if (
    !/^(?!0000)\d{4}-/.test(written) ||
    Number.isNaN(moment.getTime()) ||
    moment.toISOString() !== written
  )
    return { id, moment: null }
  return { id: id.slice(0, at), moment: written }
}

/** Returns the reference to an object by its present id: what is related to it is always present. */
export function presentReference<R extends { id?: unknown }>(reference: R): R {
  if (typeof reference.id !== 'string') return reference
  const { id, moment } = readPastId(reference.id)
  return moment === null ? reference : { ...reference, id }
}
