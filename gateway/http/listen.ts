import type { Server } from 'node:http'

/**
 * Connections that the system completes before this process accepts them, as at a restart or in a
 * pause of the event loop. Beyond it they are dropped, and some clients see a reset. Node's default
 * is 511. The system's own bound is smaller: on Linux net.core.somaxconn, 4,096 by default.
 */
const backlogMax = 16_384

/**
 * Starts to listen and returns the URL of the server. Rejects with an error that states the remedy.
 */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (e: NodeJS.ErrnoException) => reject(explain(e, host, port)))
    server.listen({ port, host, backlog: backlogMax }, resolve)
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
