/** The name of the secret in the fragment of the link. */
export const LINK_SECRET = 'secret'

/**
 * Returns the link that opens a page (GraphiQL, the console) with the secret of a start. The secret is in the fragment,
 * which browsers send to no server and in no Referer.
 */
export function secretLink(url: string, secret: string): string {
  return `${url}#${LINK_SECRET}=${secret}`
}
