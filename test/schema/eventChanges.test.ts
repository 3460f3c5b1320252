import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cloudEventJsonSchema } from '../../schema/cloudEvent.ts'
import { eventChanges } from '../../schema/eventChanges.ts'

const FILE = 'change-1.0.schema.json'
// biome-ignore lint/suspicious/noExplicitAny: the test changes a JSON Schema
const changed = (change: (schema: any) => void) => {
  const schema = JSON.parse(JSON.stringify(cloudEventJsonSchema()))
  change(schema)
  return schema as Record<string, unknown>
}
const published = new Map([[FILE, JSON.stringify(cloudEventJsonSchema())]])
const words = (now: Record<string, unknown>) =>
  eventChanges(published, published, now).map((c) => `${c.level} ${c.coordinate}: ${c.text}`)

test('rates a new attribute as safe, a removed one or another value as breaking', () => {
  assert.deepEqual(words(changed(() => {})), [])
  const next = changed((s) => {
    s.properties.data.properties.steward = { type: 'string' }
    s.properties.data.properties.op.enum.push('RENAMED')
    s.properties.data.required = s.properties.data.required.filter((r: string) => r !== 'members')
    delete s.properties.subject
  })
  assert.deepEqual(words(next), [
    'BREAKING $.subject: was removed',
    'BREAKING $.data.members: was required, now may be missing',
    'BREAKING $.data.op: may now be RENAMED, was one of CREATED, UPDATED, MERGED, SPLIT, DELETED',
    'SAFE $.data.steward: was added',
  ])
})

test('rates a changed published version and another major version as breaking', () => {
  const of = (before: Map<string, string>, after: Map<string, string>) =>
    eventChanges(before, after).map((c) => `${c.level} ${c.coordinate}`)
  assert.deepEqual(of(published, new Map()), [`BREAKING schema/published/${FILE}`])
  const altered = new Map([
    [
      FILE,
      JSON.stringify(changed((s) => Object.assign(s.properties, { subject: { type: 'null' } }))),
    ],
  ])
  assert.deepEqual(of(published, altered), [`BREAKING schema/published/${FILE}`])
  const next = new Map([
    ...published,
    ['change-9.0.schema.json', JSON.stringify(cloudEventJsonSchema())],
  ])
  assert.deepEqual(of(next, next), ['BREAKING $.dataschema'])
  // The newest is by number, not by name.
  const tenth = new Map([
    [
      'change-1.9.schema.json',
      JSON.stringify(changed((s) => Object.assign(s.properties, { old: {} }))),
    ],
    ['change-1.10.schema.json', JSON.stringify(cloudEventJsonSchema())],
  ])
  assert.deepEqual(of(tenth, tenth), [])
})
