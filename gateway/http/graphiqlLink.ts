/** The name of the secret in the fragment of the link. */
export const LINK_SECRET = 'secret'

/**
 * Returns the link that opens GraphiQL with the secret of a start. The secret is in the fragment,
 * which browsers send to no server and in no Referer.
 */
export function graphiqlLink(url: string, secret: string): string {
  return `${url}#${LINK_SECRET}=${secret}`
}
