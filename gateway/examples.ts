/** The queries that GraphiQL opens with, each in a tab of its own. A test runs them all. */
export const EXAMPLES: readonly { title: string; query: string }[] = []
