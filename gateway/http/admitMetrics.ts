import type { IncomingMessage } from 'node:http'
import { HttpError } from '../httpError.ts'
import type { Callers } from '../identity/caller.ts'
import { credentialsOf } from '../identity/credentials.ts'
import { markAuthenticated } from './boundedServer.ts'

const SCOPE = 'metrics:read'

/** Requires the scope to read the metrics of the process. Throws HttpError. */
export async function admitMetrics(callers: Callers, req: IncomingMessage): Promise<void> {
  const { scopes } = await callers.identify({ ...credentialsOf(req.headers), request: req })
  markAuthenticated(req.socket)
  if (!scopes.has(SCOPE)) throw new HttpError(403, 'FORBIDDEN', `/metrics needs the scope ${SCOPE}`)
}
