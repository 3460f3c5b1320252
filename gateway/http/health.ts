import type { ServerResponse } from 'node:http'
import { withDeadline } from '../../schema/kit/deadline.ts'
import { sendJson } from './response.ts'

/** The check of one dependency without which the process cannot serve. */
export interface Check {
  name: string
  ok: boolean
  /** OK, or what is wrong in one word for machines. */
  code?: string
  /** What is wrong, for the operator; no addresses and no personal data. */
  detail?: string
}

const checkMsMax = 3_000

/** Reports that the process is running. */
export function answerLive(res: ServerResponse): void {
  sendJson(res, 200, { status: 'live' })
}

/**
 * Reports whether the process can serve: 200, or 503 with what is missing. A check that is late has
 * failed.
 */
export async function answerReady(
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
