import { type Attack, pauseMsMax } from './attack.ts'
import { send } from './requests.ts'

/** A request whose response took long. */
export interface SlowRequest {
  path: string
  headers: Record<string, string>
  body: string
  ms: number
}

/** Notes a request if its response took long. */
export function noteSlow(slow: SlowRequest[], request: SlowRequest): void {
  if (request.ms > pauseMsMax) slow.push(request)
}

const requestsMax = 20
const triesMax = 3

/**
 * Sends the slowest requests again, each alone: others may have slowed it down. A finding is one
 * that stops the process every time, so that nobody else gets a response.
 */
export async function checkSlow(
  { product, findings }: Attack,
  slow: readonly SlowRequest[],
): Promise<void> {
  const slowest = slow.toSorted((a, b) => b.ms - a.ms)
  for (const request of slowest.slice(0, requestsMax)) {
    const pauses: number[] = []
    do {
      await product.longestPause()
      await send(product.origin, request)
      pauses.push((await product.longestPause()).ms)
    } while (pauses.length < triesMax && Math.min(...pauses) > pauseMsMax)
    const least = Math.min(...pauses)
    if (least > pauseMsMax)
      findings.add('one request stops the process', request.body, `${least} ms`)
  }
}
