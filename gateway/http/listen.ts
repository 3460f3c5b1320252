import type { Server } from 'node:http'

/**
 * Starts to listen and returns the URL of the server. Rejects with an error that states the remedy.
 */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (e: NodeJS.ErrnoException) => reject(explain(e, host, port)))
    server.listen(port, host, resolve)
  })
  const address = server.address()
  const actual = typeof address === 'object' && address ? address.port : port
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`
}

function explain(e: NodeJS.ErrnoException, host: string, port: number): Error {
  if (e.code === 'EADDRINUSE')
    return new Error(
      `port ${port} on ${host} is in use: stop what listens there, or set TOUCHSTONE_PORT to a free one (a process without gateway: TOUCHSTONE_HEALTH_PORT)`,
    )
  if (e.code === 'EACCES')
    return new Error(`port ${port} requires privileges that this user lacks: use a port above 1023`)
  return e
}
