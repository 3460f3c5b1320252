/**
 * Who may ask for a field or a type, as SDL: callers with all of these scopes. The gateway reads it
 * from the supergraph and refuses operations that ask for more (gateway/operation/rights.ts). A
 * root field without a rule is for callers with every right.
 */
export function requiresScopes(...all: string[]): string {
  return `@requiresScopes(scopes: [${JSON.stringify(all)}])`
}

/**
 * Of a field that its subgraph answers with null to callers without the scope, instead of the
 * gateway's refusing it.
 */
export const MASKED = '@tag(name: "masked")'
