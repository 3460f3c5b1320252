import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { isMap, isNode, isPair, isScalar, LineCounter, parseDocument } from 'yaml'
import { ConfigError } from '../schema/kit/configError.ts'

/** The values of a YAML file, with the line of each. */
export interface YamlFile {
  value: unknown
  /**
   * Returns the line, as `config/sources.yaml:12`, of the value at a path of keys and indexes; in a
   * map that of its key.
   */
  at(path: readonly PropertyKey[]): string
}

/** Reads a YAML file. Throws ConfigError where it cannot be read or parsed, or has a key twice. */
export function readYaml(path: string): YamlFile {
  const name = relative(process.cwd(), path)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (e) {
    throw new ConfigError(`${name}: cannot be read: ${e instanceof Error ? e.message : String(e)}`)
  }
  return parseYaml(text, name)
}

export function parseYaml(text: string, name: string): YamlFile {
  const lines = new LineCounter()
  const doc = parsed(name, () => parseDocument(text, { lineCounter: lines, uniqueKeys: true }))
  const error = doc.errors[0]
  if (error)
    throw new ConfigError(
      `${name}:${lines.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`,
    )

  const lineOf = (path: readonly PropertyKey[]): number => {
    let node: unknown = doc.contents
    let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0
    for (const step of path) {
      if (isMap(node)) {
        const pair = node.items.find(
          (i) => isPair(i) && isScalar(i.key) && String(i.key.value) === String(step),
        )
        if (!pair) break
        if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset
        node = pair.value
      } else if (isNode(node) && 'items' in node && Array.isArray(node.items)) {
        const item: unknown = node.items[Number(step)]
        if (!isNode(item)) break
        offset = item.range?.[0] ?? offset
        node = item
      } else break
    }
    return lines.linePos(offset).line
  }
  const value: unknown = parsed(name, () => doc.toJS({ maxAliasCount: 100 }))
  return { value, at: (path) => `${name}:${lineOf(path)}` }
}

/** Throws ConfigError where the parser itself fails: at too many aliases, or levels. */
function parsed<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (e) {
    const why = e instanceof RangeError ? 'it nests too deeply' : String(e)
    throw new ConfigError(`${name}: cannot be parsed: ${why}`)
  }
}
