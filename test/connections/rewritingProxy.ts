import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What stands between a client and a model, and changes responses as a vendor's release might. */
export interface RewritingProxy {
  url: string
  /** Called with the request line and the parsed response; returns the response to send. */
  rewrite: (request: string, body: unknown) => unknown
  close(): Promise<void>
}

/** Starts a proxy before a model. Addresses in its responses become those of the proxy. */
export async function startRewritingProxy(target: string): Promise<RewritingProxy> {
  const server = createServer((request, response) => {
    const forward = async () => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      const sent = Buffer.concat(parts)
      const headers = new Headers()
      for (const [name, value] of Object.entries(request.headers))
        if (!['host', 'connection', 'content-length', 'accept-encoding'].includes(name))
          headers.set(name, String(value))
      const answer = await fetch(`${target}${request.url}`, {
        method: request.method ?? 'GET',
        headers,
        ...(sent.length > 0 ? { body: sent } : {}),
      })
      const text = (await answer.text()).replaceAll(target, proxy.url)
      const line = `${request.method} ${request.url}\n${sent.toString('utf8')}`
      const isJson = answer.ok && /^\s*[{[]/.test(text)
      const body = isJson ? JSON.stringify(proxy.rewrite(line, JSON.parse(text))) : text
      const kept = [...answer.headers].filter(
        ([name]) => !/^(content-length|content-encoding|transfer-encoding|connection)$/.test(name),
      )
      response.writeHead(answer.status, {
        ...Object.fromEntries(kept),
        'content-length': Buffer.byteLength(body),
      })
      response.end(body)
    }
    forward().catch((e) => response.destroy(e))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: RewritingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rewrite: (_, body) => body,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return proxy
}
