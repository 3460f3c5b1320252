const pattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Whether a text is a uuid in its usual form, in letters of either case: what Postgres takes for one is more. */
export function isUuid(text: string): boolean {
  return pattern.test(text)
}
