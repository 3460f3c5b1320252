import { send } from './requests.ts'

export const JSON_HEADERS = { 'content-type': 'application/json' }

/** Codes that say that the product failed, and not the request. */
const FAULTS = new Set(['INTERNAL', 'INTERNAL_SERVER_ERROR', 'UNAVAILABLE', 'TIMEOUT'])

export interface Body {
  data?: Record<string, unknown> | null
  errors?: { message?: string; extensions?: { code?: string } }[]
}

/** Returns the kind of fault that a response shows, or null. */
export function faultOf(status: number, body: Body): string | null {
  if (status >= 500) return `HTTP ${status}`
  const error = body.errors?.find((e) => {
    const code = e.extensions?.code
    return code !== undefined && FAULTS.has(code)
  })
  return error ? (error.extensions?.code ?? 'an error without a code') : null
}

export function parsed(text: string): Body {
  try {
    return Object(JSON.parse(text)) as Body
  } catch {
    return {} // An event stream or a page.
  }
}

export async function ask(origin: string, operation: { query: string; variables?: object }) {
  const { status, text, ms } = await send(origin, {
    path: '/graphql',
    headers: { ...JSON_HEADERS, accept: 'application/json' },
    body: JSON.stringify(operation),
  })
  return { status, text, ms, body: parsed(text) }
}
