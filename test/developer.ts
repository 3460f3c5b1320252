import { readDevelopmentSecret } from '../gateway/identity/developmentSecret.ts'

/** The data directories of the programs under test, by the origin that each printed. */
const dataDirs = new Map<string, string>()

/** Remembers the data directory of the server whose URL a program printed. */
export function rememberServer(printed: string, dataDir: string): void {
  for (const [origin] of printed.matchAll(/http:\/\/127\.0\.0\.1:\d+/g))
    dataDirs.set(origin, dataDir)
}

/**
 * Returns the headers that make a request to a program under test that of its developer. They are
 * empty for other servers, and read again for each request: every start has a secret of its own.
 */
export function developerHeaders(url: string): Record<string, string> {
  const dataDir = dataDirs.get(new URL(url.replace(/^ws/, 'http')).origin)
  const secret = dataDir === undefined ? null : readDevelopmentSecret(dataDir)
  return secret === null ? {} : { authorization: `Bearer ${secret}` }
}
