/** Headers and values that requests carry after a sign-in. */
export interface Credential {
  headers: ReadonlyMap<string, string>
  /** Values of the sign-in for {auth.NAME}. */
  values: ReadonlyMap<string, string>
  /** Milliseconds since 1970; null: until it is refused. */
  expiresAt: number | null
  /** Texts that must not be shown. */
  secrets: readonly string[]
}

/** A sign-in takes as long as this before the credential's end, at most a tenth of its life. */
const earlyMsMax = 60_000
const earlyShare = 0.1

/**
 * Holds the credential of one source system. However many requests need one, there is one sign-in at
 * a time.
 */
export class CredentialCache {
  readonly #signIn: () => Promise<Credential>
  readonly #now: () => number
  #current: { credential: Credential; renewAt: number } | null = null
  #running: Promise<Credential> | null = null

  constructor(signIn: () => Promise<Credential>, now: () => number) {
    this.#signIn = signIn
    this.#now = now
  }

  /**
   * Returns the credential, or signs in. The sign-in serves all who wait, so none of them can abort
   * it. Throws ConnectionError.
   */
  get(): Promise<Credential> {
    if (this.#current && this.#now() < this.#current.renewAt)
      return Promise.resolve(this.#current.credential)
    if (this.#running) return this.#running
    const began = this.#now()
    const running = this.#signIn().then((credential) => {
      this.#current = { credential, renewAt: renewalOf(credential, began) }
      return credential
    })
    this.#running = running
    const end = () => {
      this.#running = null
    }
    running.then(end, end)
    return running
  }

  /** Forgets a credential that the system refused, unless a newer one is there already. */
  reject(credential: Credential): void {
    if (this.#current?.credential === credential) this.#current = null
  }
}

function renewalOf({ expiresAt }: Credential, began: number): number {
  if (expiresAt === null) return Number.POSITIVE_INFINITY
  return expiresAt - Math.min(earlyMsMax, (expiresAt - began) * earlyShare)
}
