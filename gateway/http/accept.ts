import { LRUCache } from 'lru-cache'

export const JSON_TYPE = 'application/json'
export const RESPONSE_JSON = 'application/graphql-response+json'
export const EVENT_STREAM = 'text/event-stream'

/** The media types of a result. The first is the default: it wins if the client prefers none. */
const RESULT_TYPES = [JSON_TYPE, RESPONSE_JSON, EVENT_STREAM] as const
export type ResultType = (typeof RESULT_TYPES)[number]

/** How a client wants its response, by its Accept header. */
export interface Accepted {
  /** The preferred type for the result of a query or mutation; null if the client accepts none. */
  result: ResultType | null
  /** The preferred JSON type, for errors; the default if the client accepts none. */
  json: typeof JSON_TYPE | typeof RESPONSE_JSON
  /**
   * True if the client accepts an event stream by name or as text. A wildcard for every type does
   * not count: such a client expects one response, and would wait for the end of a stream.
   */
  events: boolean
}

interface Range {
  type: string
  weight: number
}

interface Match {
  type: ResultType
  weight: number
  /** 2 for the type itself, 1 for a wildcard of its kind, 0 for a wildcard of every type. */
  specificity: number
  /** Place of the range in the header. */
  place: number
}

/** Weighed headers: most clients send one of few. */
const weighed = new LRUCache<string, Accepted>({ max: 100 })
/** Longer headers are weighed each time. */
const weighedCharsMax = 200

/** Returns how a client wants its response. */
export function weighAccept(header = ''): Accepted {
  if (header.length > weighedCharsMax) return weigh(header)
  let accepted = weighed.get(header)
  if (!accepted) {
    accepted = weigh(header)
    weighed.set(header, accepted)
  }
  return accepted
}

/**
 * Weighs an Accept header (RFC 9110 §12.5.1). The most specific range decides about a type. Of the
 * types with the highest weight the one that is named most specifically wins, then the one that
 * comes first.
 */
function weigh(header: string): Accepted {
  const ranges = header.trim() ? readRanges(header) : [{ type: '*/*', weight: 1 }]
  const matches = RESULT_TYPES.flatMap((type) => matchOf(type, ranges) ?? [])
  // The sort is stable: types without a preference stay in the order of the defaults.
  matches.sort((a, b) => b.weight - a.weight || b.specificity - a.specificity || a.place - b.place)
  const json = matches.find((m) => m.type !== EVENT_STREAM)?.type
  return {
    result: matches[0]?.type ?? null,
    json: json === RESPONSE_JSON ? RESPONSE_JSON : JSON_TYPE,
    events: matches.some((m) => m.type === EVENT_STREAM && m.specificity > 0),
  }
}

function matchOf(type: ResultType, ranges: readonly Range[]): Match | null {
  const names = ['*/*', `${type.split('/')[0]}/*`, type]
  let best: Match | null = null
  ranges.forEach(({ type: name, weight }, place) => {
    const specificity = names.indexOf(name)
    if (specificity < 0) return
    const better =
      !best ||
      specificity > best.specificity ||
      (specificity === best.specificity && weight > best.weight)
    if (better) best = { type, weight, specificity, place }
  })
  const found = best as Match | null
  return found && found.weight > 0 ? found : null
}

/** Splits at commas, but not within quoted parameters. */
const elements = /(?:[^,"]|"(?:\\.|[^"\\])*"?)+/g
const weightParameter = /;\s*q\s*=\s*"?([^;"\s]*)/i

/** Parameters other than the weight are ignored: results have one form for each type. */
function readRanges(header: string): Range[] {
  return (header.match(elements) ?? []).map((element) => {
    const [type = ''] = element.split(';', 1)
    const parameters = element.replace(/"[^"]*"?/g, (quoted) =>
      quoted.includes(';') ? '' : quoted,
    )
    const q = Number(weightParameter.exec(parameters)?.[1] || 1)
    return { type: type.trim().toLowerCase(), weight: Number.isNaN(q) ? 1 : Math.min(q, 1) }
  })
}
