const pattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Returns whether a text is a uuid in the usual form; Postgres accepts other forms too. */
export function isUuid(text: string): boolean {
  return pattern.test(text)
}
