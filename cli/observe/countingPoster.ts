import type { Answer, Poster } from '../../mdm/webhooks/post.ts'

/**
 * What attempts came to: taken, refused with another status, no answer, broken off because the
 * process stops.
 */
export const DELIVERY_RESULTS = ['delivered', 'refused', 'unreachable', 'broken_off'] as const
export type DeliveryResults = Record<(typeof DELIVERY_RESULTS)[number], number>

/** A poster that counts what its attempts came to. */
export function countingPoster(poster: Poster): { poster: Poster; results: DeliveryResults } {
  const results: DeliveryResults = { delivered: 0, refused: 0, unreachable: 0, broken_off: 0 }
  return {
    results,
    poster: {
      async post(url, headers, body, signal) {
        const answer = await poster.post(url, headers, body, signal)
        results[resultOf(answer, signal)]++
        return answer
      },
      close: () => poster.close(),
    },
  }
}

function resultOf({ status }: Answer, signal: AbortSignal | undefined): keyof DeliveryResults {
  if (status === null) return signal?.aborted ? 'broken_off' : 'unreachable'
  return status >= 200 && status < 300 ? 'delivered' : 'refused'
}
