import {
  chmodSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, relative } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Document, isMap, isNode, isPair, isScalar, isSeq, parseDocument, type YAMLSeq } from 'yaml'
import { type ConfiguredSource, readSources, sourcesIn } from '../../../connectors/sources.ts'
import { parseYaml, readYaml } from '../../../connectors/yamlFile.ts'

/** One source system of config/sources.yaml. */
export interface SourceEntry {
  name: string
  kind: string
  role: string
  trust: number
  mapping?: string
  connection: Record<string, unknown>
}

/** Rights of a new file: it can name commands and paths of secrets. */
const newFileMode = 0o640
const NO_SOURCES = 'sources: []\n'

/**
 * Returns the source systems that a file has so far: none where there is no file yet, or where its
 * list is empty. Throws ConfigError for every other mistake in it.
 */
export function sourcesSoFar(path: string): ConfiguredSource[] {
  if (!existsSync(path)) return []
  const { sources, ...others } = Object(readYaml(path).value)
  const isEmpty = Array.isArray(sources) && sources.length === 0
  return isEmpty && Object.keys(others).length === 0 ? [] : readSources(path)
}

/** Returns the entry as text, as it stands in a list of source systems. */
export function entryText(entry: object): string {
  const doc = new Document([entry])
  // References to secrets, and lists, are short: they stand in one line.
  const flow = (node: unknown, depth: number): void => {
    if (!isMap(node) && !isSeq(node)) return
    if (depth >= 3) node.flow = true
    for (const item of node.items) flow(isPair(item) ? item.value : item, depth + 1)
  }
  flow(doc.contents, 0)
  return doc.toString({ lineWidth: 0 })
}

/**
 * Returns the text of a file of source systems with one more of them, or with `connection:` in the
 * one that has its name. All other lines stay as they are, with their comments and their form.
 */
export function withEntry(text: string, entry: SourceEntry): string {
  const doc = parseDocument(text)
  const list = doc.get('sources', true)
  if (!isSeq(list)) throw new Error('the file has no list of source systems at sources:')
  if (list.items.length === 0) list.flow = false
  const at = indexOf(list, entry.name)
  const spliced = at < 0 ? appended(text, list, entry) : extended(text, list, at, entry)
  if (at < 0) doc.addIn(['sources'], doc.createNode(entry))
  else doc.setIn(['sources', at, 'connection'], doc.createNode(entry.connection))
  // A list in one line, or another form that is rare, is written again as a whole.
  return isDeepStrictEqual(parsedValue(spliced), doc.toJS())
    ? spliced
    : doc.toString({ lineWidth: 0 })
}

/**
 * Writes the entry to the file, if the whole file is right with it. A file that is not there is
 * made, in a folder that is. Throws ConfigError.
 */
export function writeEntry(
  path: string,
  entry: SourceEntry,
  env: Readonly<Record<string, string | undefined>>,
): { source: ConfiguredSource; line: string } {
  const isNew = !existsSync(path)
  const file = isNew ? path : realpathSync(path)
  const text = withEntry(isNew ? NO_SOURCES : readFileSync(file, 'utf8'), entry)
  const yaml = parseYaml(text, relative(process.cwd(), path))
  const sources = sourcesIn(yaml, dirname(path), env)
  const index = sources.findIndex((s) => s.system.name === entry.name)
  const source = sources[index]
  if (!source) throw new Error(`${entry.name} is not in the file that was written`)
  const part = `${file}.${process.pid}.part`
  writeFileSync(part, text, { flag: 'wx' })
  chmodSync(part, isNew ? newFileMode : statSync(file).mode)
  renameSync(part, file)
  return { source, line: yaml.at(['sources', index]) }
}

function appended(text: string, list: YAMLSeq, entry: SourceEntry): string {
  const last = list.items.at(-1)
  const end = isNode(last) ? (last.range?.[1] ?? text.length) : text.length
  return spliced(text, end, `\n${entryText(entry)}`, columnOf(text, list.range?.[0] ?? 0))
}

function extended(text: string, list: YAMLSeq, at: number, { connection }: SourceEntry): string {
  const item = list.items[at]
  const [begin, end] = (isNode(item) ? item.range : null) ?? [0, text.length]
  // The entry's form is that of a list: its dash is left out, and its indentation with it.
  const lines = entryText({ connection }).replace(/^- /, '').replaceAll('\n  ', '\n')
  return spliced(text, end, lines, columnOf(text, begin))
}

/** Inserts lines at an offset that ends a value, with an indentation. */
function spliced(text: string, offset: number, lines: string, column: number): string {
  const ending = text.includes('\r\n') ? '\r\n' : '\n'
  const before = text.slice(0, offset)
  const indented = lines.replaceAll(/^(?=.)/gm, ' '.repeat(column)).replaceAll('\n', ending)
  return `${before}${before.endsWith('\n') ? '' : ending}${indented}${text.slice(offset)}`
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1)
}

function indexOf(list: YAMLSeq, name: string): number {
  return list.items.findIndex((item) => {
    const given = isMap(item) ? item.get('name', true) : null
    return isScalar(given) && given.value === name
  })
}

function parsedValue(text: string): unknown {
  const doc = parseDocument(text)
  return doc.errors.length > 0 ? null : doc.toJS()
}
