import type { Answer, Poster } from '../../mdm/webhooks/post.ts'

/**
 * Results of delivery attempts: accepted, rejected with another status, no response, or aborted
 * because the process stops.
 */
export const DELIVERY_RESULTS = ['delivered', 'refused', 'unreachable', 'broken_off'] as const
export type DeliveryResults = Record<(typeof DELIVERY_RESULTS)[number], number>

/** Wraps a poster to count the results of its attempts. */
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
