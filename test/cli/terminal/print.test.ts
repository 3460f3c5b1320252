import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Command } from 'commander'
import { formatTailItem } from '../../../cli/commands/output/tailItem.ts'
import { configureCommander } from '../../../cli/terminal/commanderOutput.ts'
import {
  jsonText,
  print,
  printDocument,
  printFailure,
  printQuoted,
} from '../../../cli/terminal/print.ts'
import { visibleJson, visibleText } from '../../../schema/kit/visibleText.ts'
import { runCommand } from '../runCommand.ts'

/** What terminals obey or people cannot see, and how it is shown. */
const ATTACKS: readonly [string, string][] = [
  ['\x1b[2J', '\\x1b[2J'],
  ['\x1b]8;;https://evil.example\x07here\x1b]8;;\x07', '\\x1b]8;;https://evil.example\\x07here'],
  ['\x1b]52;c;cm0gLXJm\x07', '\\x1b]52;c;cm0gLXJm\\x07'],
  ['\x9b31m', '\\x9b31m'],
  ['\x90q\x9c', '\\x90q\\x9c'],
  ['\b\b\b', '\\x08\\x08\\x08'],
  ['\x7f', '\\x7f'],
  ['a\nrow 1 is intact', 'a\\nrow 1 is intact'],
  ['a\rb', 'a\\rb'],
  ['a\tb', 'a\\tb'],
  ['a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
  ['\u2066a\u2069', '\\u2066a\\u2069'],
  ['\u061c\u200e\u200f', '\\u061c\\u200e\\u200f'],
  ['a\u200bb\u200d\u2060\ufeff', 'a\\u200bb\\u200d\\u2060\\ufeff'],
  ['\u00ad\u3164', '\\xad\\u3164'],
  ['\ud800', '\\ud800'],
  ['\u{e0041}', '\\u{e0041}'],
  ['\0', '\\x00'],
]
/** What must not be in any output. */
const ACTING = /(?!\n)\p{Cc}|\p{Cf}|\p{Cs}|[\u2028\u2029\u3164]/u

async function printed(work: () => void): Promise<string> {
  const command = new Command('x').action(work)
  return (await runCommand(command, [])).output
}

describe('values in the output of commands', () => {
  test('are shown in one line, with an escape for each character that acts or hides', async () => {
    for (const [value, shown] of ATTACKS) {
      const output = await printed(() =>
        print(`name ${value}`, ['id ', { style: 'red', text: value }]),
      )
      assert.ok(output.startsWith(`name ${shown}`), JSON.stringify(output))
      assert.equal(output.split('\n').length, 3, JSON.stringify(value))
      assert.doesNotMatch(output, ACTING)
    }
  })

  test('of any language stay as they are', () => {
    for (const text of ['Müller GmbH', '株式会社', 'Ångström', 'a\\x1b', 'שלום', 'नमस्ते', '€ 12,50'])
      assert.equal(visibleText(text), text)
  })

  test('are exact in JSON, which has only visible characters', () => {
    for (const [value] of ATTACKS) {
      const record = { [`key ${value}`]: [value, { value }] }
      for (const indent of [0, 1, 2]) {
        const text = jsonText(record, indent)
        assert.deepEqual(JSON.parse(text), record)
        assert.doesNotMatch(text, ACTING)
      }
    }
    assert.equal(visibleJson('{"a":"\u202e\u{e0001}"}'), '{"a":"\\u202e\\udb40\\udc01"}')
  })

  test('cannot look like a line of ours in errors and in texts of other systems', async () => {
    const failure = await printed(() =>
      printFailure('no file "a\ntouchstone: all is well\r\x1b[A"'),
    )
    assert.equal(failure, 'touchstone: no file "a\n| touchstone: all is well\\r\\x1b[A"\n')
    const quoted = await printed(() => printQuoted('{\n"a": 1}\r\nstate APPLIED\x1b[1A'))
    assert.equal(quoted, '| {\n| "a": 1}\n| state APPLIED\\x1b[1A\n')
    const document = await printed(() => printDocument('type A {\n\tb: Int\n}\x07\n'))
    assert.equal(document, 'type A {\n  b: Int\n}\\x07\n')
  })

  test('are painted only by us in the lines of tail', async () => {
    const values = { name: 'x\x1b[31m\nCREATED', at: '\u202e' }
    const line = formatTailItem({
      __typename: 'Change',
      cursor: 'c',
      position: 1,
      op: 'UPDATED',
      goldenId: 'g',
      type: 'CUSTOMER',
      version: 2,
      before: { ...values, at: null },
      after: values,
      changedFields: ['at', 'name\x9b2J'],
      redirect: null,
      cause: { system: 'crm', object: '\x1b]0;t\x07', recordId: '1', correlationId: null },
      at: '2026-03-01T09:30:00.000Z',
    })
    const output = await printed(() => print(line))
    assert.match(output, /x\\x1b\[31m\\nCREATED/)
    assert.equal(output.split('\n').length, 2)
    assert.doesNotMatch(output, ACTING)
  })

  test('that are arguments are shown in the messages about them', async () => {
    for (const [value] of ATTACKS) {
      const written: string[] = []
      const inner = new Command('inner').option('--n <n>', 'a number')
      const command = new Command('outer').addCommand(inner).exitOverride()
      inner.exitOverride()
      configureCommander(command)
      for (const one of [command, inner])
        one.configureOutput({ ...one.configureOutput(), writeErr: (t) => void written.push(t) })
      for (const args of [['inner', `--x${value}`], [`c${value}`], ['inner', value, value]])
        assert.throws(() => command.parse(args, { from: 'user' }))
      assert.doesNotMatch(written.join(''), ACTING)
      assert.equal(written.join('').split('\n').length, 4)
    }
  })
})

test('nothing but the writers prints', () => {
  const writers = new Set([
    'cli/terminal/print.ts',
    'cli/terminal/commanderOutput.ts',
    // In place on a terminal; its texts pass through visibleText.
    'cli/commands/output/progress.ts',
  ])
  // By the names of its methods, because files and sentences have "console." too.
  const methods = Object.keys(console).join('|')
  const prints = new RegExp(
    String.raw`\bconsole\s*(?:\??\.\s*(?:${methods})\b|\[)|\bstd(?:out|err)\b\s*[.[]\s*write|\bwriteSync\(\s*[12]\b`,
  )
  const printing = globSync('{cli,mdm,gateway,subgraphs,connectors,schema}/**/*.ts').filter(
    (file) =>
      !writers.has(file) && file !== 'schema/publish.ts' && prints.test(readFileSync(file, 'utf8')),
  )
  assert.deepEqual(printing, [])
})

test('only the writer of CSV files makes CSV', () => {
  const making = globSync('{cli,mdm,gateway,subgraphs,connectors}/**/*.ts').filter((file) =>
    /from 'csv-stringify|join\('[,;]'\)\}?\\n/.test(readFileSync(file, 'utf8')),
  )
  assert.deepEqual(making, ['cli/commands/output/csvFile.ts'])
})
