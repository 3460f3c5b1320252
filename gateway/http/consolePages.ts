import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { requireMethod } from './failure.ts'

export const CONSOLE_PATH = '/console'

/** How a person signs in at the console. */
export type ConsoleSignIn =
  /** The secret of the start, or our own user. */
  | { mode: 'DEVELOPMENT' }
  /** A token of the issuer, by the code flow with PKCE. */
  | { mode: 'ISSUER'; issuer: string; clientId: string; scopes: string }
  /** A token or an API key that the person enters. */
  | { mode: 'CREDENTIAL' }

export interface ConsoleOptions {
  /** The folder of the built pages. It may be built, or built again, while the server runs. */
  folder: string
  signIn: ConsoleSignIn
}

interface Page {
  body: Buffer
  gzipped: Buffer | null
  type: string
  etag: string
  /** Its name holds a hash of its content. */
  immutable: boolean
}

const HTML = 'text/html; charset=utf-8'
const TYPES = new Map([
  ['.html', HTML],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.woff2', 'font/woff2'],
])
const INDEX = 'index.html'
/** Below it every name holds a hash. */
const ASSETS = 'assets/'
const yearSeconds = 31_536_000
/** Smaller responses do not get smaller by more than a packet. */
const gzipBytesMin = 1_000

/** Shown until the first build is done. It loads itself again, without a script. */
const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Touchstone</title>
<h1>The console is being built</h1><p>This takes a few seconds after the first start; the page loads itself again. If it stays,
the log of the server says why the build failed, and <code>npx touchstone console build</code> tries it again.</p></html>`

/**
 * Returns a handler of the requests below /console. Every path without a file is the one page, whose
 * routes are in the browser. Files are read into memory as a whole, so that no path of a request
 * reaches the disk; they are read again when the folder was built again.
 */
export function consolePages(
  options: ConsoleOptions,
): (req: IncomingMessage, res: ServerResponse, path: string) => Promise<void> {
  const policy = contentPolicy(options.signIn)
  let pages = new Map<string, Page>()
  /** Those before the latest build; nothing older is kept. */
  let last: ReadonlyMap<string, Page> = new Map()
  let builtMs = -1
  let reading: Promise<void> | null = null
  const read = async () => {
    const { mtimeMs } = await stat(join(options.folder, INDEX))
    if (mtimeMs === builtMs) return
    const next = await readPages(options)
    // Pages that are open load parts of the build before.
    const before = [...pages].filter(([name]) => name.startsWith(ASSETS) && !last.has(name))
    last = pages
    pages = new Map([...before, ...next])
    builtMs = mtimeMs
  }
  return async (req, res, path) => {
    requireMethod(req, res, 'GET', 'HEAD')
    reading ??= read().finally(() => {
      reading = null
    })
    // A folder that is being replaced has its last pages in memory.
    await reading.catch(() => {})
    res.setHeader('content-security-policy', policy)
    res.setHeader('cross-origin-opener-policy', 'same-origin')
    res.setHeader('referrer-policy', 'no-referrer')
    const name = path.slice(CONSOLE_PATH.length + 1)
    const page = pages.get(name) ?? (name.startsWith(ASSETS) ? undefined : pages.get(INDEX))
    if (page) return send(req, res, page)
    const isMissing = pages.size > 0
    const body = Buffer.from(
      isMissing ? 'Not found: the console was built again; load the page again' : NOT_BUILT,
    )
    res.writeHead(isMissing ? 404 : 503, {
      'content-type': isMissing ? 'text/plain; charset=utf-8' : HTML,
      'content-length': body.length,
      'cache-control': 'no-store',
    })
    res.end(req.method === 'HEAD' ? undefined : body)
  }
}

function send(req: IncomingMessage, res: ServerResponse, page: Page): void {
  res.setHeader(
    'cache-control',
    page.immutable ? `public, max-age=${yearSeconds}, immutable` : 'no-cache',
  )
  res.setHeader('etag', page.etag)
  if (req.headers['if-none-match'] === page.etag) {
    res.writeHead(304).end()
    return
  }
  const zips = page.gzipped !== null && /\bgzip\b/.test(`${req.headers['accept-encoding']}`)
  const body = zips && page.gzipped ? page.gzipped : page.body
  if (page.gzipped) res.appendHeader('vary', 'Accept-Encoding')
  if (zips) res.setHeader('content-encoding', 'gzip')
  res.writeHead(200, { 'content-type': page.type, 'content-length': body.length })
  res.end(req.method === 'HEAD' ? undefined : body)
}

/** Reads the built files by their names below /console/. Files of other types are not served. */
async function readPages({ folder, signIn }: ConsoleOptions): Promise<Map<string, Page>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name))
  const pages = await Promise.all(
    files.map(async (file): Promise<[string, Page] | null> => {
      const name = relative(folder, file).split(sep).join('/')
      const type = TYPES.get(extname(name))
      if (type === undefined) return null
      const stored = await readFile(file)
      const body = name === INDEX ? withSignIn(stored, signIn) : stored
      const zips = body.length >= gzipBytesMin && extname(name) !== '.woff2'
      return [
        name,
        {
          body,
          gzipped: zips ? await promisify(gzip)(body, { level: 9 }) : null,
          type,
          etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
          immutable: name.startsWith(ASSETS),
        },
      ]
    }),
  )
  return new Map(pages.filter((p) => p !== null))
}

/** The page reads how to sign in from an element: a script in the page would need a hash. */
function withSignIn(html: Buffer, signIn: ConsoleSignIn): Buffer {
  const text = JSON.stringify(signIn)
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
  return Buffer.from(
    html
      .toString('utf8')
      .replace(
        /<meta name="touchstone" content="[^"]*"/,
        () => `<meta name="touchstone" content="${text}"`,
      ),
  )
}

/** Scripts and styles are files of this server alone; the page talks to it and to the issuer. */
function contentPolicy(signIn: ConsoleSignIn): string {
  const issuer = signIn.mode === 'ISSUER' ? ` ${new URL(signIn.issuer).origin}` : ''
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    `connect-src 'self'${issuer}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
}
