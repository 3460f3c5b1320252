import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

interface Connection {
  run(sql: string): Promise<unknown>
  runAndReadAll(sql: string): Promise<{ getRowObjects(): Record<string, unknown>[] }>
}

/**
 * Returns the pairs a second that DuckDB joins and scores with its own jaro_winkler_similarity on
 * each of `fields`, on `threads` threads. `records` is the NDJSON file that `touchstone match`
 * reads, `pairs` a CSV of two line numbers, from 0. Returns null if DuckDB is not installed (npm
 * install --prefix bench/peers).
 */
export async function duckdbPairsPerSecond(
  records: string,
  pairs: string,
  fields: readonly string[],
  threads: number,
): Promise<number | null> {
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve('@duckdb/node-api')
  } catch {
    return null
  }
  const { DuckDBInstance } = (await import(pathToFileURL(entry).href)) as {
    DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<Connection> }> }
  }
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`set threads = ${threads}`)
  await connection.run(
    `create table record as select row_number() over () - 1 as n, ${fields.map((f) => `fields.${f} as ${f}`).join(', ')}
     from read_json('${records}', format = 'newline_delimited')`,
  )
  await connection.run(
    `create table pair as select column0 as a, column1 as b from read_csv('${pairs}', header = false)`,
  )
  const scores = fields
    .map((f) => `coalesce(jaro_winkler_similarity(x.${f}, y.${f}), 0)`)
    .join(' + ')
  const began = performance.now()
  const result = await connection.runAndReadAll(
    `select count(*) as pairs, sum(${scores}) as score from pair join record x on x.n = pair.a join record y on y.n = pair.b`,
  )
  const seconds = (performance.now() - began) / 1_000
  return Number(result.getRowObjects()[0]?.pairs) / seconds
}
