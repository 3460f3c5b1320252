import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignatureV4 } from '@smithy/signature-v4'

/**
 * A model of an S3-compatible server: ListObjectsV2, GetObject, HeadObject, CopyObject, DeleteObject
 * with their conditions. Signatures are checked by the signer of the AWS SDK. Any other request
 * fails.
 */
export interface S3Model {
  endpoint: string
  accessKey: string
  secretKey: string
  put(key: string, text: string): void
  keys(): string[]
  /** Requests that it does not know. */
  unknown: string[]
  /** Ends the next answer with bytes of an object after a half of them. */
  cutNext(): void
  /** Answers the next request with this status and code. */
  refuseNext(status: number, code: string): void
  close(): Promise<void>
}

interface Stored {
  body: Buffer
  etag: string
  modified: Date
}

const keysPerAnswer = 2

export async function startS3Model(bucket: string): Promise<S3Model> {
  const objects = new Map<string, Stored>()
  const [accessKey, secretKey, region] = ['AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCY', 'eu-x-1']
  const signer = new SignatureV4({
    ...{ region, service: 's3', uriEscapePath: false, applyChecksum: false },
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    sha256: NodeSha256,
  })
  let clock = Date.UTC(2026, 0, 1)
  let cut = false
  let refusal: { status: number; code: string } | null = null
  const unknown: string[] = []

  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    const url = new URL(req.url ?? '/', `http://${req.headers.host}`)
    const fail = (status: number, code: string) => {
      res.writeHead(status, { 'content-type': 'application/xml' })
      res.end(
        req.method === 'HEAD'
          ? ''
          : `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>of the model</Message></Error>`,
      )
    }
    if (refusal) {
      const { status, code } = refusal
      refusal = null
      return fail(status, code)
    }
    if (!(await isSigned(signer, req, url, accessKey))) return fail(403, 'SignatureDoesNotMatch')
    const [, of, ...rest] = url.pathname.split('/')
    if (of !== bucket) return fail(404, 'NoSuchBucket')
    const key = rest.map(decodeURIComponent).join('/')
    const found = objects.get(key)
    const wanted = req.headers['if-match']
    switch (`${req.method} ${key === '' ? 'bucket' : 'object'}`) {
      case 'GET bucket':
        if (url.searchParams.get('list-type') !== '2') break
        return list(url.searchParams, res)
      case 'HEAD object':
      case 'GET object': {
        if (!found) return fail(404, 'NoSuchKey')
        if (wanted !== undefined && wanted !== found.etag) return fail(412, 'PreconditionFailed')
        res.writeHead(200, {
          ...{ etag: found.etag, 'content-length': found.body.length },
          'last-modified': found.modified.toUTCString(),
        })
        if (req.method === 'HEAD') return res.end()
        if (!cut) return res.end(found.body)
        cut = false
        res.write(found.body.subarray(0, found.body.length / 2), () => res.destroy())
        return
      }
      case 'PUT object': {
        const source = req.headers['x-amz-copy-source']
        if (typeof source !== 'string') break
        const from = objects.get(decodeURIComponent(source).slice(`/${bucket}/`.length))
        if (!from) return fail(404, 'NoSuchKey')
        if (req.headers['x-amz-copy-source-if-match'] !== from.etag)
          return fail(412, 'PreconditionFailed')
        objects.set(key, { ...from, modified: now() })
        return res.end(`<CopyObjectResult><ETag>${from.etag}</ETag></CopyObjectResult>`)
      }
      case 'DELETE object':
        if (found && wanted !== found.etag) return fail(412, 'PreconditionFailed')
        objects.delete(key)
        res.writeHead(204).end()
        return
    }
    unknown.push(`${req.method} ${req.url}`)
    fail(501, 'NotImplemented')
  }
  const now = () => {
    clock += 1_000
    return new Date(clock)
  }
  const list = (query: URLSearchParams, res: ServerResponse) => {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? ''
    const all = [...objects]
      .filter(([k]) => k.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const inFolder = all.filter(([k]) => !k.slice(prefix.length).includes('/'))
    const left = inFolder.filter(([k]) => k > after)
    const page = left.slice(0, keysPerAnswer)
    const more = left.length > page.length
    const name = (key: string) =>
      encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')
    const contents = page.map(
      ([k, o]) =>
        `<Contents><Key>${name(k)}</Key><LastModified>${o.modified.toISOString()}</LastModified><ETag>${o.etag.replaceAll('"', '&quot;')}</ETag><Size>${o.body.length}</Size></Contents>`,
    )
    res.end(
      `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${page.at(-1)?.[0].replaceAll('&', '&amp;')}</NextContinuationToken>` : ''}${contents.join('')}<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes></ListBucketResult>`,
    )
  }
  const server = createServer((req, res) => {
    void answer(req, res).catch((e: unknown) => res.destroy(e instanceof Error ? e : undefined))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ accessKey, secretKey, unknown },
    put(key, text) {
      const body = Buffer.from(text)
      objects.set(key, {
        body,
        etag: `"${createHash('md5').update(body).digest('hex')}"`,
        modified: now(),
      })
    },
    keys: () => [...objects.keys()].sort(),
    cutNext() {
      cut = true
    },
    refuseNext(status, code) {
      refusal = { status, code }
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** Signs the request once more, with another implementation, and compares. */
async function isSigned(
  signer: SignatureV4,
  req: IncomingMessage,
  url: URL,
  accessKey: string,
): Promise<boolean> {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[^/]+\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      req.headers.authorization ?? '',
    )
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(req.headers['x-amz-date']))
  if (!given || !date || given[1] !== accessKey) return false
  const [, year, month, day, hour, minute, second] = date
  const names = (given[2] ?? '').split(';')
  if (!names.includes('host')) return false
  const again = await signer.sign(
    {
      ...{
        method: req.method ?? '',
        protocol: 'http:',
        hostname: url.hostname,
        path: url.pathname,
      },
      query: Object.fromEntries(url.searchParams),
      headers: Object.fromEntries(names.map((name) => [name, String(req.headers[name])])),
    },
    { signingDate: new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) },
  )
  return Reflect.get(again.headers, 'authorization').endsWith(`Signature=${given[3]}`)
}

/** SHA-256 and HMAC of Node in the form that the signer of the AWS SDK takes. */
class NodeSha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array | string {
  if (typeof data === 'string') return data
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}
