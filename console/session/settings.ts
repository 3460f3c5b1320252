/** How a person signs in, as the gateway wrote it into the page (gateway/http/consolePages.ts). */
export type SignIn =
  | { mode: 'DEVELOPMENT' }
  | { mode: 'ISSUER'; issuer: string; clientId: string; scopes: string }
  | { mode: 'CREDENTIAL' }

/** Returns the sign-in of this server. `npx vite console` serves the page as it is: development. */
export function signInOfPage(): SignIn {
  const text = document.querySelector('meta[name="touchstone"]')?.getAttribute('content') ?? '{}'
  const found = JSON.parse(text) as Partial<SignIn>
  return found.mode ? (found as SignIn) : { mode: 'DEVELOPMENT' }
}
