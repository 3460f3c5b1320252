/**
 * Close codes of WebSockets. graphql-ws closes with 4401 if nobody is authenticated; after 4503 a
 * client may retry.
 */
export const UNAUTHORIZED = 4401
export const UNAVAILABLE = 4503
