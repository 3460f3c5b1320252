import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Connector,
  type DeliveryHeaders,
  type InboundMessage,
  MessageError,
} from '../../connectors/contract.ts'
import { withDeadline } from '../../schema/kit/deadline.ts'
import { readBody } from '../http/body.ts'
import { decodeUtf8 } from '../http/bodyText.ts'
import { markAuthenticated } from '../http/boundedServer.ts'
import type { IngestHandler } from '../http/deliveryRoute.ts'
import { sendJson } from '../http/response.ts'
import { HttpError } from '../httpError.ts'
import { localCallers } from '../identity/callers.ts'
import { credentialsOf } from '../identity/credentials.ts'
import { DEVELOPMENT_SECRET_FILE } from '../identity/developmentSecret.ts'
import { isFromOwnUser } from '../identity/ownUser.ts'
import { DELIVERY_LIMITS, DeliveryBounds, type DeliveryLimits } from './deliveryBounds.ts'

export interface IngestOptions {
  sources: ReadonlyMap<string, Pick<Connector, 'system' | 'verify' | 'split'>>
  /** Resolves when the messages are committed. Nothing is acknowledged before that. */
  accept(
    messages: (InboundMessage & {
      source: string
      correlationId: string
      traceparent: string | null
    })[],
  ): Promise<{ accepted: number; duplicates: number }>
  /**
   * Returns true for the secret of the latest start, without which a delivery that is signed with a
   * development secret is rejected.
   */
  isSecret(text: string): boolean
  /** Whether such a delivery of a process of our own user needs no secret. */
  acceptsOwnUser?: boolean | undefined
  /** Milliseconds since 1970. */
  now(): number
  /** Reports internal errors that are hidden from the sender. */
  report(error: unknown, correlationId: string): void
  /** Maximum bytes of one delivery; default 1 MiB. */
  bodyBytesMax?: number
  /** Timeout for the arrival of a body, in ms; default 10 s. */
  bodyMsMax?: number
  /** Timeout for the commit of the database, in ms; default 15 s. */
  acceptMsMax?: number
  limits?: Partial<DeliveryLimits>
}

const defaults = { bodyBytesMax: 1024 * 1024, bodyMsMax: 10_000, acceptMsMax: 15_000 }
const retrySeconds = 5

const JSON_TYPE = /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i

/**
 * Handles `POST /ingest/{source}` and `/ingest/{source}/{object}`. Verifies the sender over the raw
 * bytes. Responds with 202 once every message of the body is in the inbox, or 200 if all were there
 * already. The content is checked later: an object without a mapping is acknowledged and becomes an
 * exception, so that no message is lost. Rejections are `{code, message, correlationId}`; 429 and
 * 503 have Retry-After if the same delivery may succeed later.
 */
export function createIngest(options: IngestOptions): IngestHandler {
  const bounds = { ...defaults, ...options }
  const room = new DeliveryBounds({ ...DELIVERY_LIMITS, ...options.limits })
  const thisMachine = localCallers(options)

  return async (req, res, delivery) => {
    const { source: path, correlationId } = delivery
    try {
      const { accepted, duplicates } = await receive(req, path, {
        correlationId,
        traceparent: delivery.traceparent ?? null,
      })
      sendJson(res, accepted > 0 ? 202 : 200, { accepted, duplicates, correlationId })
    } catch (e) {
      if (!(e instanceof HttpError)) throw e
      refuse(req, res, e, correlationId)
    }
  }

  async function receive(req: IncomingMessage, path: string, request: Request) {
    const [name = '', object, ...rest] = path.split('/')
    const source = options.sources.get(name)
    if (!source || rest.length > 0 || object === '')
      throw new HttpError(
        404,
        'UNKNOWN_SOURCE',
        `No source system "${name.slice(0, 64)}": the path is /ingest/{source} or /ingest/{source}/{object}`,
      )
    if (source.system.developmentSecret) await requireDeveloper(req, name)
    if (!JSON_TYPE.test(req.headers['content-type'] ?? ''))
      throw new HttpError(415, 'UNSUPPORTED_TYPE', 'Send JSON, with Content-Type: application/json')
    if ((req.headers['content-encoding'] ?? 'identity') !== 'identity')
      throw new HttpError(
        415,
        'UNSUPPORTED_ENCODING',
        'Send the body as it is, without Content-Encoding',
      )

    // A delivery without any signature is not read: a body costs memory and time.
    const unsigned = source.verify(req.headers, new Uint8Array(), options.now())
    if (!unsigned.ok && (unsigned.code === 'NO_SIGNATURE' || unsigned.code === 'NO_SECRET'))
      throw new NotSigned(unsigned.code, unsigned.detail, unsigned.challenge)
    const end = room.begin(name, lengthOf(req, bounds.bodyBytesMax))
    try {
      return await take(req, source, name, object ? object : null, request)
    } finally {
      end()
    }
  }

  /**
   * Rejects a delivery whose signature proves nothing, because its secret is public, unless it
   * comes from the developer: through no tunnel or proxy, from no page, and from our own user or
   * with the secret of the start, which other users of the machine do not know. Throws HttpError.
   */
  async function requireDeveloper(req: IncomingMessage, name: string): Promise<void> {
    const remedy = `${name} has only a development secret, which is public: set its real secret`
    if (thisMachine.refuse(req))
      throw new HttpError(
        401,
        'NO_SECRET',
        `Not accepted: ${remedy}; the other is valid on this machine alone`,
      )
    const { bearer } = credentialsOf(req.headers)
    if (bearer === null && options.acceptsOwnUser && (await isFromOwnUser(req))) return
    if (!options.isSecret(bearer ?? ''))
      throw new HttpError(
        401,
        'NO_SECRET',
        `Not accepted: ${remedy}, or send "Authorization: Bearer" with the content of the file ${DEVELOPMENT_SECRET_FILE} in the data directory`,
      )
  }

  async function take(
    req: IncomingMessage,
    source: Pick<Connector, 'system' | 'verify' | 'split'>,
    name: string,
    object: string | null,
    request: Request,
  ) {
    const body = await withDeadline(readBody(req, bounds.bodyBytesMax), bounds.bodyMsMax, () => {
      throw new HttpError(
        408,
        'BODY_TIMEOUT',
        `The body did not arrive within ${bounds.bodyMsMax} ms`,
      )
    })
    const verdict = source.verify(req.headers, body, options.now())
    if (!verdict.ok) throw new HttpError(401, verdict.code, `Not accepted: ${verdict.detail}`)
    markAuthenticated(req.socket)
    room.count(name)

    const messages = split(source, body, object, verdict.id, req.headers)
    if (messages.length === 0) return { accepted: 0, duplicates: 0 }
    try {
      const accepted = options.accept(messages.map((m) => ({ ...m, source: name, ...request })))
      return await withDeadline(accepted, bounds.acceptMsMax, () => {
        throw new Error(`the inbox did not commit within ${bounds.acceptMsMax} ms`)
      })
    } catch (e) {
      // Sending it again is safe even if it was written: a known message id changes nothing.
      options.report(e, request.correlationId)
      throw unavailable('NOT_STORED', 'The delivery could not be stored: send it again')
    }
  }
}

/** A delivery without a signature; `challenge` asks the sender for one. */
class NotSigned extends HttpError {
  readonly challenge: string | undefined

  constructor(code: string, detail: string, challenge: string | undefined) {
    super(401, code, `Not accepted: ${detail}`)
    this.challenge = challenge
  }
}

/** The properties of every message of a delivery. */
interface Request {
  correlationId: string
  traceparent: string | null
}

/** Returns the maximum size of a body: its announced length, or the largest that is read. */
function lengthOf(req: IncomingMessage, bytesMax: number): number {
  const announced = Number(req.headers['content-length'] ?? Number.NaN)
  return Number.isSafeInteger(announced) && announced >= 0
    ? Math.min(announced, bytesMax)
    : bytesMax
}

function split(
  source: Pick<Connector, 'split'>,
  body: Buffer,
  object: string | null,
  deliveryId: string | null,
  headers: DeliveryHeaders,
): InboundMessage[] {
  const text = decodeUtf8(body, 'The body')
  try {
    return source.split(text, object, deliveryId, headers)
  } catch (e) {
    if (e instanceof MessageError)
      throw new HttpError(e.code.startsWith('TOO_') ? 413 : 400, e.code, e.message)
    throw e
  }
}

function unavailable(code: string, message: string): HttpError {
  return new HttpError(503, code, message)
}

function refuse(
  req: IncomingMessage,
  res: ServerResponse,
  error: HttpError,
  correlationId: string,
): void {
  if (res.destroyed) return
  const wait = error.retrySeconds ?? (error.status === 503 ? retrySeconds : null)
  if (wait !== null) res.setHeader('retry-after', String(wait))
  if (error instanceof NotSigned && error.challenge)
    res.setHeader('www-authenticate', error.challenge)
  // The unread rest of the body would be parsed as the next request.
  if (!req.complete) res.setHeader('connection', 'close')
  sendJson(res, error.status, { code: error.code, message: error.message, correlationId })
  if (!req.complete) req.resume()
}
