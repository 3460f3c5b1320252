import type { IncomingMessage } from 'node:http'
import { HttpError } from '../httpError.ts'

/** Reads the whole body. Rejects with HttpError 413 if it is longer than `bytesMax`. */
export function readBody(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > bytesMax)
    return Promise.reject(bodyTooLarge(bytesMax))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > bytesMax) reject(bodyTooLarge(bytesMax))
      else chunks.push(chunk)
    })
    req.once('end', () =>
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    )
    const incomplete = () => {
      // Created only if needed: an error costs its stack, and every request closes.
      if (!req.complete)
        reject(new HttpError(400, 'BODY_INCOMPLETE', 'The connection closed before the body ended'))
    }
    req.once('error', incomplete)
    req.once('close', incomplete)
  })
}

export function bodyTooLarge(bytesMax: number): HttpError {
  return new HttpError(413, 'BODY_TOO_LARGE', `The body is larger than ${bytesMax} bytes`)
}

/**
 * Parses JSON. Throws HttpError 400 that names `what` was parsed and the position of the mistake.
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (e) {
    // V8 quotes the text around the mistake, which may be personal data; the position is enough.
    const at = /position (\d+)/.exec(e instanceof Error ? e.message : '')?.[1]
    throw new HttpError(400, 'BAD_JSON', `${what} is not JSON${at ? `, at character ${at}` : ''}`)
  }
}
