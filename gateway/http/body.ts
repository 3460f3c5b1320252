import type { IncomingMessage } from 'node:http'
import { HttpError } from '../httpError.ts'
import type { BodyMemory } from './bodyMemory.ts'

/** A chunk may be one byte, which costs a hundred: this many of them are joined. */
const chunksMax = 1_024

/**
 * Reads the whole body. Rejects with HttpError 413 if it is longer than `bytesMax`, and with 503 if
 * `memory` gives it up.
 */
export function readBody(
  req: IncomingMessage,
  bytesMax: number,
  memory?: BodyMemory,
): Promise<Buffer> {
  const announced = Number(req.headers['content-length'] ?? 0)
  if (announced > bytesMax) return Promise.reject(bodyTooLarge(bytesMax))
  return new Promise((resolve, reject) => {
    let blocks: Buffer[] = []
    let chunks: Buffer[] = []
    let length = 0
    let isGivenUp = false
    const giveUp = (error: HttpError) => {
      isGivenUp = true
      blocks = []
      chunks = []
      memory?.end(req)
      reject(error)
    }
    req.on('data', (chunk: Buffer) => {
      if (isGivenUp) return
      length += chunk.length
      if (length > bytesMax) return giveUp(bodyTooLarge(bytesMax))
      chunks.push(chunk)
      // Most bodies arrive whole.
      if (length !== announced) memory?.grow(req, chunk.length, giveUp)
      if (chunks.length < chunksMax) return
      blocks.push(Buffer.concat(chunks))
      chunks = []
    })
    req.once('end', () => {
      memory?.end(req)
      const [first] = chunks
      resolve(
        first && blocks.length === 0 && chunks.length === 1
          ? first
          : Buffer.concat([...blocks, ...chunks]),
      )
    })
    const incomplete = () => {
      memory?.end(req)
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
