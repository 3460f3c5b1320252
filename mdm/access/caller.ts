/** The person or service on whose behalf something is changed. */
export interface Caller {
  actor: string
  roles: ReadonlySet<string>
  /** Scopes of sensitive values that the caller may see and so may state. */
  scopes: ReadonlySet<string>
  correlationId: string
}
