import { compileDefinition } from '../../../connectors/connection/definition.ts'
import { readSourceConnection } from '../../../connectors/connection/sourceConnection.ts'
import { parseYaml } from '../../../connectors/yamlFile.ts'

/** A definition with one object, which tests change part by part. */
export const simple = `
settings:
  base: { is: url }
  key: { is: secret, help: "an API key" }
  perMinute: { is: number, optional: true }
auth: { header: { authorization: "Bearer {key}" } }
http: { base: "{base}" }
objects:
  customer:
    id: id
    version: updated_at
    rows: "list[]"
    list: { get: /customers, query: { limit: "2" } }
    full: { pages: { cursor: next, as: query.cursor } }
    delta:
      window: { query: { since: "{since}", until: "{until}" } }
      pages: { cursor: next, as: query.cursor }
      times: s
    read: { get: "/customers/{id}" }
`

export function define(text: string, mapped: readonly string[] | null = null) {
  return compileDefinition(parseYaml(text, 'connection.yaml'), mapped)
}

/** Returns `connection:` of a source system, checked against a definition. */
export function connect(definition: string, connection: string) {
  const file = parseYaml(connection, 'sources.yaml')
  return readSourceConnection(
    { value: file.value, file, path: [] },
    define(definition),
    '/etc/touchstone',
  )
}
