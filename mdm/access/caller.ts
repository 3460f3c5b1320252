/** The person or service on whose behalf something is changed. */
export interface Caller {
  actor: string
  roles: ReadonlySet<string>
  /** Of the values the caller may see, and so state. */
  scopes: ReadonlySet<string>
  correlationId: string
}
