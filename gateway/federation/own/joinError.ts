/**
 * Own subgraphs cannot join the graph. Each reason names file and line. In a file of its own, because
 * a process that only reports it needs none of the packages that join.
 */
export class JoinError extends Error {
  override name = 'JoinError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the subgraphs do not join the graph:\n${problems.map((p) => `- ${p}`).join('\n')}`)
    this.problems = problems
  }
}
