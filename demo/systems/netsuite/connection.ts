/** The part of a connection to Postgres that the model uses, as in the project's driver. */
export interface SqlConnection extends SqlStatements {
  begin(mode: string, work: (sql: SqlStatements) => Promise<unknown>): Promise<unknown>
}

export interface SqlStatements {
  unsafe(
    query: string,
    parameters?: string[],
  ): PromiseLike<unknown> & { raw(): PromiseLike<unknown> }
}

/** Rows as the server sent them. */
export interface RawRows extends Iterable<readonly (Buffer | null)[]> {
  /** `type` is the object id of the type. */
  columns: readonly { name: string; type: number }[]
}
