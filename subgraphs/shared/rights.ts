/**
 * Returns the SDL of a rule: callers need all of these scopes for the field or type. The gateway
 * reads it from the supergraph and rejects operations that lack a scope
 * (gateway/operation/rights.ts). A root field without a rule requires every right.
 */
export function requiresScopes(...all: string[]): string {
  return `@requiresScopes(scopes: [${JSON.stringify(all)}])`
}

/**
 * Marks a field that its subgraph returns as null to callers without the scope. The gateway then
 * does not reject the operation.
 */
export const MASKED = '@tag(name: "masked")'
