/**
 * Returns the name of a record of a file for people: source/id. A record that repeats a source and
 * id has a number behind it, as in crm/17#1.
 */
export function recordName(key: string): string {
  return key.replaceAll('\u0001', '/').replaceAll('\u0000', '#')
}
