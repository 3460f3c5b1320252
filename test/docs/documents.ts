import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/**
 * Paths of all files of the project, relative to its root. New files count; ignored ones do not.
 */
export const files: readonly string[] = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  { cwd: root, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 },
)
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)))

/** Paths of all folders that hold a file, without a slash at the end. */
export const folders: ReadonlySet<string> = new Set(
  files.flatMap((path) => {
    const parts = path.split('/').slice(0, -1)
    return parts.map((_, n) => parts.slice(0, n + 1).join('/'))
  }),
)

export interface Block {
  /** The word after the fence, as `graphql`; empty where there is none, and for indented code. */
  language: string
  /** The second word after the fence: the file that the reader writes the block to. */
  file: string
  text: string
  /** Of its first line in the document. */
  line: number
}

export interface Document {
  path: string
  text: string
  blocks: Block[]
  /** The lines outside of code blocks, each with its number. */
  prose: { text: string; line: number }[]
}

/** Every Markdown document of the project. */
export const documents: readonly Document[] = files
  .filter((path) => path.endsWith('.md'))
  .map((path) => parseDocument(path, readText(path)))

export function document(path: string): Document {
  const found = documents.find((d) => d.path === path)
  if (!found) throw new Error(`${path} does not exist`)
  return found
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function parseDocument(path: string, text: string): Document {
  const blocks: Block[] = []
  const prose: Document['prose'] = []
  let fenced: Block | null = null
  let indented: Block | null = null
  let before = ''
  for (const [n, line] of text.split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(line)
    if (fence) {
      if (fenced) blocks.push(fenced)
      const [language = '', file = ''] = fence[1]?.trim().split(' ') ?? []
      fenced = fenced ? null : { language, file, text: '', line: n + 2 }
    } else if (fenced) fenced.text += `${line}\n`
    else if (/^ {4}\S/.test(line) && (indented || before === '')) {
      indented ??= { language: '', file: '', text: '', line: n + 1 }
      indented.text += `${line.slice(4)}\n`
    } else {
      if (indented) blocks.push(indented)
      indented = null
      prose.push({ text: line, line: n + 1 })
    }
    before = line.trim()
  }
  if (indented) blocks.push(indented)
  return { path, text, blocks, prose }
}
