/**
 * Whether a name that a server lists is one without folder that this machine may have, too. A server
 * names what it likes, and a path in a name would lead out of the folder.
 */
export function isPlainName(name: string): boolean {
  const bytes = Buffer.byteLength(name)
  return bytes > 0 && bytes <= 255 && !/[/\\\p{Cc}]/u.test(name) && name !== '.' && name !== '..'
}
