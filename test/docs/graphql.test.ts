import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse, validate } from 'graphql'
import { publicSchema } from '../../gateway/federation/publicSchema.ts'
import { type Block, documents, readText } from './documents.ts'

/** Where strings begin and end in the languages of the recipes. */
const STRINGS: Record<string, RegExp> = {
  js: /`([^`]*)`/g,
  ts: /`([^`]*)`/g,
  python: /"""([^"]*)"""/g,
  sh: /'([^']*)'/g,
  '': /'([^']*)'/g,
}

describe('documents', () => {
  const schema = publicSchema(readText('supergraph.graphql'))

  test('every GraphQL operation is valid in the graph', () => {
    let checked = 0
    const wrong = documents.flatMap(({ path, blocks }) =>
      blocks.flatMap((block) =>
        operationsOf(block).flatMap((text) => {
          checked++
          try {
            // Directives of Relay's compiler do not reach the server.
            const errors = validate(schema, parse(text.replaceAll(/@connection\([^)]*\)/g, '')))
            return errors.map((e) => `${path}:${block.line}: ${e.message}`)
          } catch (e) {
            return [`${path}:${block.line}: ${e instanceof Error ? e.message : e}`]
          }
        }),
      ),
    )
    assert.deepEqual(wrong, [])
    assert.ok(checked > 25, `${checked} operations`)
  })
})

/**
 * The operations of a block: the block itself, or the strings in it. A block marked "graphql
 * ignore" is a part of SDL.
 */
function operationsOf(block: Block): string[] {
  if (block.language === 'graphql') return block.file === 'ignore' ? [] : [block.text]
  const strings = STRINGS[block.language]
  if (!strings) return []
  // In a shell a variable between two strings is a part of both.
  const text =
    block.language === 'sh' ? block.text.replaceAll(/'\$(\w+|\([^)]*\))'/g, 'X') : block.text
  return [...text.matchAll(strings)]
    .map(([, string = '']) => operationOf(string))
    .filter((o) => o !== null)
}

function operationOf(text: string): string | null {
  if (/^\s*\{\s*"/.test(text)) {
    const query = /"query":\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1]
    return query ? (JSON.parse(query) as string) : null
  }
  const operation = text.replace(/^query=/, '')
  return /^\s*(query|mutation|subscription|\{)[\s({]/.test(operation) ? operation : null
}
