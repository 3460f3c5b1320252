import { styleText } from 'node:util'
import { visibleJson, visibleLines, visibleText } from '../../schema/kit/visibleText.ts'

// Everything that a command prints goes through this file. A value of a delivery, a file or a
// setting must not control the terminal or look like a line of ours:
// test/cli/terminal/writers.test.ts.

/**
 * A line, or its parts: a part with a style is painted by us, and its text is a value as any other.
 */
export type Line = string | readonly (string | Styled)[]

export interface Styled {
  style: Parameters<typeof styleText>[0]
  text: string
}

/** Prints lines to the standard output. A line break within a line is shown as `\n`. */
export function print(...lines: readonly Line[]): void {
  console.log(text(lines, false))
}

/** Prints lines to the standard error. */
export function printError(...lines: readonly Line[]): void {
  console.error(text(lines, false))
}

/** Prints a value as JSON that parses to the same value; `indent` as in JSON.stringify. */
export function printJson(value: unknown, indent = 0): void {
  console.log(jsonText(value, indent))
}

/** Returns a value as JSON in which nothing acts on a terminal. */
export function jsonText(value: unknown, indent = 0): string {
  return visibleJson(JSON.stringify(value, null, indent))
}

/** Prints a document of several lines, as a schema. Its line feeds are its own. */
export function printDocument(document: string): void {
  print(...visibleLines(document.trimEnd().replaceAll('\t', '  ')))
}

/** Prints a document of several lines to the standard error. */
export function printErrorDocument(document: string): void {
  printError(...visibleLines(document.trimEnd().replaceAll('\t', '  ')))
}

/**
 * Prints text of another system that may have several lines. A bar before each line separates them
 * from ours.
 */
export function printQuoted(quoted: string): void {
  print(...quoted.split(/\r\n|\n|\r/).map((line) => `| ${line}`))
}

/**
 * Prints an error. Messages may have several lines, for several mistakes: all but the first have a
 * bar before them, so that no value in them can look like a line of ours.
 */
export function printFailure(message: string): void {
  const [first = '', ...rest] = message.split('\n')
  printError(`touchstone: ${first}`, ...rest.map((line) => `| ${line}`))
}

/** Prints a line to the standard output, and waits while its reader is behind. */
export async function printSlowly(line: Line, colour: boolean): Promise<void> {
  await write(`${text([line], colour)}\n`)
}

/** Prints a value as one line of JSON, and waits while its reader is behind. */
export async function printJsonSlowly(value: unknown): Promise<void> {
  await write(`${jsonText(value)}\n`)
}

async function write(printed: string): Promise<void> {
  const { stdout } = process
  if (stdout.write(printed)) return
  await new Promise<void>((resolve) => {
    stdout.once('drain', resolve)
    stdout.once('error', () => resolve())
  })
}

function text(lines: readonly Line[], colour: boolean): string {
  return lines.map((line) => lineText(line, colour)).join('\n')
}

function lineText(line: Line, colour: boolean): string {
  if (typeof line === 'string') return visibleText(line)
  return line
    .map((part) => {
      if (typeof part === 'string') return visibleText(part)
      const shown = visibleText(part.text)
      return colour ? styleText(part.style, shown, { validateStream: false }) : shown
    })
    .join('')
}
