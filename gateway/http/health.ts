import type { ServerResponse } from 'node:http'
import { withDeadline } from '../../schema/kit/deadline.ts'
import { sendJson } from './response.ts'

/** The check of one dependency that the process needs in order to serve. */
export interface Check {
  name: string
  ok: boolean
  /** OK, or a one-word failure code for machines. */
  code?: string
  /** The failure in words for the operator; without addresses and personal data. */
  detail?: string
}

const checkMsMax = 3_000

/** Reports that the process is running. */
export function sendLive(res: ServerResponse): void {
  sendJson(res, 200, { status: 'live' })
}

/**
 * Reports whether the process can serve: 200, or 503 with the failed checks. A check that times out
 * has failed.
 */
export async function sendReady(
  res: ServerResponse,
  ready: () => Promise<Check[]>,
  draining: boolean,
): Promise<void> {
  const checks = draining
    ? [{ name: 'server', ok: false, code: 'STOPPING', detail: 'stopping' }]
    : await inTime(ready)
  const ok = checks.every((c) => c.ok)
  sendJson(res, ok ? 200 : 503, { status: ok ? 'ready' : 'not ready', checks })
}

async function inTime(ready: () => Promise<Check[]>): Promise<Check[]> {
  const late = {
    name: 'checks',
    ok: false,
    code: 'CHECKS_LATE',
    detail: `no answer in ${checkMsMax} ms`,
  }
  try {
    return await withDeadline(ready(), checkMsMax, () => [late])
  } catch {
    return [{ name: 'checks', ok: false, code: 'CHECKS_FAILED', detail: 'failed' }]
  }
}
