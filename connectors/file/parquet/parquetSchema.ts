import type { FileMetaData, SchemaElement, SchemaTree } from 'hyparquet'
import { parquetSchema } from 'hyparquet'

/** A column of the file, or a member of a column that is a structure. */
export interface ParquetNode {
  kind: 'VALUE' | 'DECIMAL' | 'FLOAT' | 'LIST' | 'STRUCTURE'
  name: string
  /** Digits after the point of a DECIMAL. */
  scale: number
  /** The one element of a LIST, or the members of a STRUCTURE. */
  children: ParquetNode[]
}

/** The columns that can be read, and those that cannot with the reason. */
export interface ParquetColumns {
  columns: ParquetNode[]
  leftOut: { name: string; reason: string }[]
  /** The metadata for hyparquet, in which no decimal is a decimal: it would lose digits. */
  metadata: FileMetaData
}

const NOT_COMPARED = new Map([
  ['BSON', 'its values are BSON documents'],
  ['INTERVAL', 'its values are intervals'],
  ['TIME', 'its values are times of the day'],
  ['TIME_MILLIS', 'its values are times of the day'],
  ['TIME_MICROS', 'its values are times of the day'],
  ['GEOMETRY', 'its values are geometries'],
  ['GEOGRAPHY', 'its values are geometries'],
  ['VARIANT', 'its values have no common type'],
  ['MAP', 'its values are maps'],
  ['MAP_KEY_VALUE', 'its values are maps'],
])

/** Reads the schema of a file. Writers state a type in the old form, the new one, or both. */
export function readColumns(metadata: FileMetaData): ParquetColumns {
  const kinds = new Map<SchemaElement, ParquetNode['kind'] | { reason: string }>()
  const schema = metadata.schema.map((element): SchemaElement => {
    const type = element.converted_type ?? element.logical_type?.type
    const copy = { ...element }
    const reason =
      NOT_COMPARED.get(element.logical_type?.type ?? '') ?? NOT_COMPARED.get(type ?? '')
    if (reason) kinds.set(copy, { reason })
    else if (type === 'DECIMAL') {
      if (element.logical_type?.type === 'DECIMAL') copy.scale = element.logical_type.scale
      delete copy.converted_type
      delete copy.logical_type
      kinds.set(copy, 'DECIMAL')
    } else if (type === 'LIST' || type === 'DATE' || type === 'JSON') {
      copy.converted_type = type
      if (type === 'LIST') kinds.set(copy, 'LIST')
    } else if (element.type === 'FLOAT') kinds.set(copy, 'FLOAT')
    return copy
  })
  const readable = { ...metadata, schema }
  const columns: ParquetNode[] = []
  const leftOut: ParquetColumns['leftOut'] = []
  for (const tree of parquetSchema(readable).children) {
    const node = nodeOf(tree, kinds)
    const { name } = tree.element
    if ('reason' in node) leftOut.push({ name, reason: node.reason })
    else columns.push(node)
  }
  return { columns, leftOut, metadata: readable }
}

function nodeOf(
  { element, children }: SchemaTree,
  kinds: ReadonlyMap<SchemaElement, ParquetNode['kind'] | { reason: string }>,
): ParquetNode | { reason: string } {
  const kind = kinds.get(element)
  if (typeof kind === 'object') return kind
  // hyparquet builds structures as plain objects, on which this member would set the prototype.
  if (element.name === '__proto__') return { reason: 'a column named __proto__ cannot be read' }
  const plain = { name: element.name, scale: element.scale ?? 0 }
  if (children.length === 0) {
    const value: ParquetNode = { ...plain, kind: kind ?? 'VALUE', children: [] }
    // A repeated value without a list around it is a list too.
    return element.repetition_type === 'REPEATED'
      ? { ...plain, kind: 'LIST', children: [value] }
      : value
  }
  // A list has one repeated group, which has the element: `list.element`, `bag.array_element` …
  const [repeated] = children
  const inner = kind === 'LIST' && repeated ? repeated.children : children
  const single = kind === 'LIST' && repeated && inner.length === 0 ? [repeated] : inner
  const nodes: ParquetNode[] = []
  for (const child of single) {
    const node = nodeOf(child, kinds)
    if ('reason' in node) return node
    // The repetition of a list's group is the list itself.
    nodes.push(child === repeated && node.kind === 'LIST' ? (node.children[0] ?? node) : node)
  }
  if (kind === 'LIST') return { ...plain, kind: 'LIST', children: nodes }
  const structure: ParquetNode = { ...plain, kind: 'STRUCTURE', children: nodes }
  return element.repetition_type === 'REPEATED'
    ? { ...plain, kind: 'LIST', children: [structure] }
    : structure
}
