/**
 * Close codes of WebSockets. graphql-ws gives up after 4400, 4401, 4409 and 4500. It connects again
 * by itself after the others.
 */
export const GOING_AWAY = 1001
export const SERVICE_RESTART = 1012
export const NOT_UTF8 = 1007
/** The credentials of connection_init are missing or invalid. */
export const UNAUTHORIZED = 4401
/** The credentials ended while the socket was open: the next connection_init may hold new ones. */
export const CREDENTIALS_ENDED = 4403
export const INTERNAL_ERROR = 4500
export const UNAVAILABLE = 4503
