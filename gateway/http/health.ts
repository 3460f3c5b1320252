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
/** Runs of checks that requests share, each until it ends or times out. */
const running = new WeakMap<() => Promise<Check[]>, Promise<Check[]>>()

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
    : await sharedRun(ready)
  const ok = checks.every((c) => c.ok)
  sendJson(res, ok ? 200 : 503, { status: ok ? 'ready' : 'not ready', checks })
}

/** Anybody may ask: requests at the same time wait for one run, and cost the database no more. */
function sharedRun(ready: () => Promise<Check[]>): Promise<Check[]> {
  const known = running.get(ready)
  if (known) return known
  const run = inTime(ready).finally(() => running.delete(ready))
  running.set(ready, run)
  return run
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
