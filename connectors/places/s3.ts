import type { IncomingMessage } from 'node:http'
import { AwsV4Signer } from 'aws4fetch'
import { ConnectionError, type RequestCounts, type Verdict } from '../connection/contract.ts'
import {
  createExchange,
  type Exchange,
  ExchangeError,
  type HttpAnswer,
} from '../connection/request/exchange.ts'
import { resolveSecret, type SecretReference } from '../connection/secrets.ts'
import { FileChanged, type FilePlace, type ListedFile, listedFilesMax } from './contract.ts'
import { isPlainName } from './plainName.ts'
import { parseError, parseList } from './s3Answer.ts'

export interface S3Settings {
  /** `https://s3.eu-central-1.amazonaws.com`, without the bucket. */
  endpoint: string
  bucket: string
  /** Without a slash at its end; empty: the whole bucket. */
  prefix: string
  region: string
  accessKey: SecretReference
  secretKey: SecretReference
  sessionToken: SecretReference | null
  /** Whether the bucket is a part of the host's name; else of the path. */
  bucketInHost: boolean
  privateAddresses: boolean
}

export interface S3Options {
  env?: Readonly<Record<string, string | undefined>> | undefined
  exchange?: Exchange | undefined
}

/** An answer as a whole, and a pause within the bytes of a file. */
const answerMsMax = 60_000
const keysPerAnswer = 1_000

/** Opens the files below a prefix of a bucket. */
export function openS3(
  settings: S3Settings,
  counts: RequestCounts,
  options: S3Options = {},
): FilePlace {
  const { endpoint, bucket, prefix, region } = settings
  const id = `s3 ${endpoint}/${bucket}/${prefix}`
  const exchange =
    options.exchange ?? createExchange({ privateAddresses: settings.privateAddresses })
  const keyOf = (...names: string[]) => [...(prefix === '' ? [] : [prefix]), ...names].join('/')
  const pathOf = (key: string) => `/${key.split('/').map(encoded).join('/')}`
  const base = settings.bucketInHost
    ? endpoint.replace('://', `://${bucket}.`)
    : `${endpoint}/${encoded(bucket)}`

  /** Signs a request. Keys are read for each, so they may change without a restart. */
  const signed = async (
    method: string,
    path: string,
    headers: Record<string, string>,
  ): Promise<{ method: string; url: URL; headers: Record<string, string>; body: null }> => {
    const secret = (of: SecretReference, what: string) =>
      resolveSecret(of, `${id}: ${what}`, options.env)
    const signer = new AwsV4Signer({
      ...{ method, url: base + path, headers, region, service: 's3' },
      accessKeyId: await secret(settings.accessKey, 'accessKey'),
      secretAccessKey: await secret(settings.secretKey, 'secretKey'),
      ...(settings.sessionToken
        ? { sessionToken: await secret(settings.sessionToken, 'sessionToken') }
        : {}),
    })
    const { url, headers: all } = await signer.sign()
    counts.requests++
    // A file that is stored packed is read as it is; its size is that of the list.
    return {
      ...{ method, url, body: null },
      headers: { ...Object.fromEntries(all), 'accept-encoding': 'identity' },
    }
  }
  const ask = async (
    method: string,
    path: string,
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<HttpAnswer> => {
    const request = await signed(method, path, headers)
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)])
    try {
      const answer = await exchange.send(request, deadline)
      counts.bytes += answer.bytes
      return answer
    } catch (e) {
      signal.throwIfAborted()
      throw unsent(id, e)
    }
  }
  /** Returns the ETag and the size of an object; null where there is none. */
  const head = async (key: string, signal: AbortSignal) => {
    const answer = await ask('HEAD', pathOf(key), signal)
    if (answer.status === 404) return null
    if (answer.status !== 200) throw refusal(id, answer)
    return { etag: answer.headers.etag ?? '', bytes: Number(answer.headers['content-length']) }
  }

  return {
    id,
    async list(signal) {
      const files: ListedFile[] = []
      const under = prefix === '' ? '' : `${prefix}/`
      for (let token: string | null = null; ; ) {
        const query = new URLSearchParams({
          ...{ 'list-type': '2', prefix: under, delimiter: '/', 'encoding-type': 'url' },
          'max-keys': String(keysPerAnswer),
          ...(token === null ? {} : { 'continuation-token': token }),
        })
        const answer = await ask('GET', `/?${query}`, signal)
        if (answer.status !== 200) throw refusal(id, answer)
        const page = parseList(id, answer.text)
        for (const { key, etag, bytes, modifiedAt } of page.objects) {
          const name = key.slice(under.length)
          if (!key.startsWith(under) || !isPlainName(name)) continue
          const modified = new Date(modifiedAt).toISOString()
          files.push({ name, bytes, stamp: `${etag} ${modified}`, modifiedAt })
        }
        if (files.length > listedFilesMax)
          throw failure(
            id,
            'INVALID',
            'TOO_MANY_FILES',
            `more than ${listedFilesMax} objects: set archive:, or remove old ones`,
          )
        // The same token again would never end.
        if (page.next === null || page.next === token) return files
        token = page.next
      }
    },
    async *read(file, signal) {
      const request = await signed('GET', pathOf(keyOf(file.name)), { 'if-match': etagOf(file) })
      let answer: IncomingMessage
      try {
        answer = await exchange.open(request, signal)
      } catch (e) {
        signal.throwIfAborted()
        throw unsent(id, e)
      }
      const status = answer.statusCode ?? 0
      if (status !== 200) {
        const text = await textOf(answer)
        if (status === 412 || (status === 404 && parseError(text).code !== 'NoSuchBucket'))
          throw new FileChanged(file.name)
        throw refusal(id, { status, text })
      }
      if (answer.headers.etag !== undefined && answer.headers.etag !== etagOf(file)) {
        answer.destroy()
        throw new FileChanged(file.name)
      }
      answer.setTimeout(answerMsMax, () => answer.destroy(new Error('no bytes came in time')))
      try {
        for await (const chunk of answer as AsyncIterable<Buffer>) {
          counts.bytes += chunk.length
          yield chunk
        }
      } catch (e) {
        signal.throwIfAborted()
        const why = e instanceof Error ? e.message : String(e)
        throw failure(id, 'RETRY', 'NO_ANSWER', `${file.name}: the answer was cut: ${why}`)
      } finally {
        answer.destroy()
      }
    },
    async move(file, into, spare, signal) {
      const from = keyOf(file.name)
      const now = await head(from, signal)
      if (!now) return 'GONE'
      if (now.etag !== etagOf(file)) return 'CHANGED'
      const there = await head(keyOf(into, file.name), signal)
      // A copy from before a crash needs none; another content is not overwritten.
      const isCopied = there !== null && there.etag === now.etag && there.bytes === now.bytes
      if (!isCopied) {
        const as = there === null ? file.name : spare
        const copied = await ask('PUT', pathOf(keyOf(into, as)), signal, {
          'x-amz-copy-source': `/${encoded(bucket)}${pathOf(from)}`,
          'x-amz-copy-source-if-match': now.etag,
        })
        if (copied.status === 412) return 'CHANGED'
        // A copy may fail within an answer whose status is 200.
        if (copied.status !== 200 || parseError(copied.text).code !== '') throw refusal(id, copied)
      }
      const deleted = await ask('DELETE', pathOf(from), signal, { 'if-match': now.etag })
      if (deleted.status === 412) return 'CHANGED'
      if (deleted.status !== 204 && deleted.status !== 200 && deleted.status !== 404)
        throw refusal(id, deleted)
      return 'MOVED'
    },
    close: async () => {},
  }
}

/** The ETag, with its quotes, in the stamp of a file. */
function etagOf({ stamp }: ListedFile): string {
  return stamp.slice(0, stamp.lastIndexOf(' '))
}

/** Encodes a part of a path as the signature has it. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

const refusedBytesMax = 64 * 1024

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8')
    if (text.length > refusedBytesMax) break
  }
  answer.destroy()
  return text
}

const SIGN_IN = new Set([
  ...['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken'],
  ...['RequestTimeTooSkewed', 'AuthorizationHeaderMalformed', 'InvalidSecurity'],
])

/** Returns the error of an answer that is none of those that were expected. */
function refusal(
  id: string,
  { status, text }: Pick<HttpAnswer, 'status' | 'text'>,
): ConnectionError {
  const { code, message } = parseError(text)
  const what = [`status ${status}`, code, message].filter((part) => part !== '').join(', ')
  if (SIGN_IN.has(code) || status === 401)
    return failure(id, 'SIGN_IN', 'SIGN_IN_REFUSED', `the key is not accepted (${what})`)
  if (status === 403)
    return failure(
      id,
      'FORBIDDEN',
      'PERMISSION_MISSING',
      `the right to list, read, or with archive: and errors: to write and delete, is missing (${what})`,
    )
  if (status === 404)
    return failure(id, 'MISSING', 'FOLDER_FAILED', `there is no such bucket (${what})`)
  if (status === 429 || code === 'SlowDown') return failure(id, 'WAIT', 'LIMIT_REACHED', what)
  return status >= 500 || status === 408
    ? failure(id, 'RETRY', 'SYSTEM_UNAVAILABLE', what)
    : failure(id, 'PERMANENT', 'REQUEST_REFUSED', what)
}

/** Turns the error of a request without an answer into ConnectionError. */
function unsent(id: string, e: unknown): unknown {
  return e instanceof ExchangeError
    ? failure(id, e.again ? 'RETRY' : 'PERMANENT', e.code, e.message)
    : e
}

function failure(id: string, verdict: Verdict, code: string, what: string): ConnectionError {
  return new ConnectionError(verdict, code, `${id}: ${what}`)
}
