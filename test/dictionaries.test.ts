import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dictionaryLookups } from './dictionaryLookups.ts'

test('no plain object is read, written or tested with a key that may come from data', () => {
  const root = process.cwd()
  const within = /^(schema|connectors|mdm|subgraphs|gateway|cli|demo)\//
  const { files, found } = dictionaryLookups(join(root, 'tsconfig.json'), root, within)
  assert.ok(files > 400, `${files} files`)
  assert.deepEqual(
    found,
    [],
    'use a Map, ownValue or createDictionary (schema/kit/dictionary.ts), or say why it is safe: // dictionary: …',
  )
})

// Each line, and true if it is a lookup that the rule must find.
const PLANTED: [line: string, found: boolean][] = [
  ['plain[key]', true],
  ['plain[key] ?? 0', true],
  ['plain[key] = 1', true],
  ['delete plain[key]', true],
  ['nested[key]?.[other]', true],
  ['key in plain', true],
  ['names.map((name) => plain[name])', true],
  ['anything[key]', true],
  ['Object.assign({}, plain)', true],
  ['bounded(plain, key)', false],
  ['literal[known]', false],
  ["plain['fixed']", false],
  ["'fixed' in plain", false],
  ['names[0]', false],
  ['names[names.length - 1]', false],
  ['names.map((_, i) => names[i])', false],
  ['Object.assign({}, { a: 1 })', false],
  ['map.get(key)', false],
  ['dictionary[key]', false],
  ['dictionary[key] = 1', false],
  ['key in dictionary', false],
  ['Object.hasOwn(plain, key)', false],
  ['plain[key] // dictionary: the keys are our own', false],
  ['plain[key] // dictionary:', true],
]

test('the rule finds exactly the planted lookups', () => {
  const root = mkdtempSync(join(tmpdir(), 'touchstone-dictionaries-'))
  try {
    writeFileSync(
      join(root, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { strict: true, target: 'es2024', noEmit: true },
        files: ['planted.ts'],
      }),
    )
    const head = [
      'interface Dictionary<V> { [key: string]: V }',
      'declare const dictionary: Dictionary<number>, plain: Record<string, number>, anything: any',
      'declare const nested: { [key: string]: { [key: string]: number } | undefined }, map: Map<string, number>',
      'declare const literal: { a: number; b: number }, known: "a" | "b", key: string, other: string, names: string[]',
      'function bounded<K extends "a" | "b">(of: Record<string, number>, k: K | string) { return [of, k] }',
      'function generic<K extends string>(of: Record<string, number>, k: K) { return of[k] }',
    ]
    writeFileSync(join(root, 'planted.ts'), [...head, ...PLANTED.map(([line]) => line)].join('\n'))
    const { found } = dictionaryLookups(join(root, 'tsconfig.json'), root, /^planted\.ts$/)
    const lines = new Set(found.map((at) => Number(/:(\d+):/.exec(at)?.[1])))
    assert.ok(lines.delete(head.length), 'a key of a type that any text satisfies')
    assert.deepEqual(
      PLANTED.map(([line], i) => [line, lines.has(head.length + 1 + i)]),
      PLANTED,
    )
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
