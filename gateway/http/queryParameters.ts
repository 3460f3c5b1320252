import { HttpError } from '../httpError.ts'

/**
 * Reads the parameters of a URL. Unlike URLSearchParams, it throws HttpError 400 for bytes that are
 * not UTF-8 and for a name that is given twice: neither is replaced or dropped in silence.
 */
export function readQueryParameters(url: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  const start = url.indexOf('?')
  if (start < 0) return parameters
  for (const pair of (url.slice(start + 1).split('#', 1)[0] ?? '').split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    if (parameters.has(name))
      throw new HttpError(
        400,
        'BAD_URL',
        `The URL has the parameter "${name.slice(0, 64)}" more than once`,
      )
    parameters.set(name, equals < 0 ? '' : decode(pair.slice(equals + 1)))
  }
  return parameters
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new HttpError(400, 'BAD_URL', 'The URL is not valid percent-encoding of UTF-8')
  }
}
