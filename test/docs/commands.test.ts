import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { describe, test } from 'node:test'
import type { Command } from 'commander'
import { documents, files, readText } from './documents.ts'

const COMMAND = /(?:npx touchstone|npm start --(?= --)) ([^`|&;#>)\n]+)/g

const commands = new Map<string, Command>()
for (const path of files.filter((f) => /^cli\/commands\/\w+\.ts$/.test(f))) {
  const { command } = (await import(new URL(`../../${path}`, import.meta.url).href)) as {
    command?: Command
  }
  if (command) commands.set(basename(path, '.ts'), command)
}

describe('documents', () => {
  test('every command exists, with the flags that are named', () => {
    let checked = 0
    const wrong = documents.flatMap(({ path, text }) =>
      [...text.replaceAll('\\\n', ' ').matchAll(COMMAND)].flatMap(([whole, words = '']) => {
        checked++
        const line = words.trim()
        const problem = problemOf(whole.startsWith('npm start') ? `start ${line}` : line)
        return problem ? [`${path}: ${line}: ${problem}`] : []
      }),
    )
    assert.deepEqual(wrong, [])
    assert.ok(checked > 60, `${checked} commands`)
  })

  test('every setting exists', () => {
    const code = files
      .filter((path) => /\.(ts|js)$/.test(path))
      .map(readText)
      .join('\n')
    const missing = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\bTOUCHSTONE_[A-Z0-9_]*[A-Z0-9]\b/g)]
        .filter(([name]) => !code.includes(name))
        .map(([name]) => `${path}: ${name}`),
    )
    assert.deepEqual(missing, [])
  })
})

/**
 * Returns what is wrong with a command line, or null. `…` and words in brackets stand for anything.
 */
function problemOf(line: string): string | null {
  const words = line
    .replaceAll(/[[\]]|"[^"]*"/g, (w) => (w.startsWith('"') ? 'TEXT' : ''))
    .split(/\s+/)
  const [name = ''] = words
  if (name === '--help') return null
  let command = commands.get(name)
  if (!command) return `there is no command ${name}`
  let n = 1
  for (let next: Command | undefined; n < words.length; n++) {
    next = command.commands.find((c) => c.name() === words[n])
    if (!next) break
    command = next
  }
  let given = 0
  for (; n < words.length; n++) {
    const word = words[n] ?? ''
    if (word === '…' || word === '--help') continue
    if (!word.startsWith('-')) {
      given++
      continue
    }
    const flag = word.split('=')[0]
    const option = command.options.find((o) => o.long === flag || o.short === flag)
    if (!option) return `${command.name()} has no flag ${flag}`
    const takesValue = option.required || option.optional
    while (takesValue && !word.includes('=') && words[n + 1] && !words[n + 1]?.startsWith('-')) {
      n++
      if (!option.variadic) break
    }
  }
  if (command.commands.length > 0 && given > 0) return `${command.name()} has no such command`
  const most = command.registeredArguments.some((a) => a.variadic)
    ? Infinity
    : command.registeredArguments.length
  return given > most ? `${command.name()} takes at most ${most} arguments` : null
}
