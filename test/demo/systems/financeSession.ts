import assert from 'node:assert/strict'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

export type Fields = Record<string, unknown>
export interface Answer {
  status: number
  headers: Headers
  body: Fields & {
    value?: Fields[]
    error?: { innererror: { message: string; type: string } }
    '@odata.nextLink'?: string
    '@odata.count'?: number
  }
}

/** Signs in to a model of finance, and returns a function that sends requests to it. */
export async function session(system: ModelSystem) {
  const { tenantId, clientId, clientSecret, environmentUrl } = system.credentials
  const signedIn = await fetch(`${system.url}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId!,
      client_secret: clientSecret!,
      scope: `${environmentUrl}/.default`,
    }),
  })
  assert.equal(signedIn.status, 200)
  const { access_token: token } = (await signedIn.json()) as { access_token: string }
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await fetch(new URL(path, `${system.url}/data/`), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'odata-version': '4.0',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    const parsed = text === '' ? {} : isJson ? JSON.parse(text) : { text }
    return { status: response.status, headers: response.headers, body: parsed }
  }
}

/** Returns what the inner error of an answer says. */
export const messageOf = ({ body }: Answer): string => body.error?.innererror.message ?? ''
