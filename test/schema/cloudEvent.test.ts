import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  changeSchemaMajor,
  changeSchemaMinor,
  cloudEvent,
  cloudEventJsonSchema,
  cloudEventSchema,
} from '../../schema/cloudEvent.ts'
import { incompatibilities } from '../../schema/compatibility.ts'
import { type ChangeEvent, changeEventSchema, OPS } from '../../schema/events.ts'
import fc from '../property.ts'

const text = fc.string({ maxLength: 20 })
const optional = <T>(a: fc.Arbitrary<T>) => fc.option(a, { nil: null })
const values = optional(
  fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue(), { noNullPrototype: true }),
)
const event: fc.Arbitrary<ChangeEvent> = fc.record({
  position: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  epoch: fc.uuid(),
  op: fc.constantFrom(...OPS),
  goldenId: fc.uuid(),
  type: fc.constantFrom('Customer', 'Contact', 'SalesOrder'),
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  before: values,
  after: values,
  changedFields: fc.array(text),
  redirect: optional(fc.uuid()),
  members: fc.array(fc.uuid()),
  customer: optional(fc.uuid()),
  cause: fc.record({
    source: text,
    object: optional(text),
    sourceId: optional(text),
    inboxId: optional(fc.nat()),
    correlationId: optional(fc.uuid()),
  }),
  policyVersion: text,
  at: fc
    .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((d) => d.toISOString()),
})

test('wraps every event in an envelope that the schema accepts, with a stable id and sortable sequence', () => {
  fc.assert(
    fc.property(event, event, (a, b) => {
      changeEventSchema.parse(a)
      const [x, y] = [cloudEvent(a, 'f'), cloudEvent(b, 'f')]
      assert.deepEqual(cloudEventSchema.parse(x), x)
      assert.deepEqual(cloudEvent({ ...a, position: b.position }, 'g').id, x.id)
      assert.equal(x.sequence < y.sequence, a.position < b.position)
      // CloudEvents 1.0, section 3: attribute names have lower-case letters and digits, and null is
      // not a value.
      for (const [name, value] of Object.entries(x)) {
        assert.match(name, /^[a-z0-9]{1,20}$/)
        assert.notEqual(value, null)
      }
    }),
  )
})

const dir = 'schema/published'
const published = readdirSync(dir).map((file) => ({
  file,
  major: Number(/^change-(\d+)\.\d+\.schema\.json$/.exec(file)?.[1]),
  schema: JSON.parse(readFileSync(`${dir}/${file}`, 'utf8')),
}))

test('publishes the current schema (node schema/publish.ts writes it)', () => {
  const current = `change-${changeSchemaMajor}.${changeSchemaMinor}.schema.json`
  const found = published.find((p) => p.file === current)
  assert.ok(found, `${dir}/${current} is missing`)
  assert.deepEqual(found.schema, JSON.parse(JSON.stringify(cloudEventJsonSchema())))
})

test('only adds to every earlier schema of the major version', () => {
  for (const { file, major, schema } of published)
    if (major === changeSchemaMajor)
      assert.deepEqual(incompatibilities(schema, cloudEventJsonSchema()), [], file)
})

test('reports changes that break consumers, and no additions', () => {
  // biome-ignore lint/suspicious/noExplicitAny: reaches into JSON
  type Json = any
  const changed = (change: (schema: Json) => void) => {
    const schema: Json = JSON.parse(JSON.stringify(cloudEventJsonSchema()))
    change(schema)
    return incompatibilities(cloudEventJsonSchema(), schema)
  }
  const breaking: [string, (s: Json) => void][] = [
    ['a property goes', (s) => delete s.properties.subject],
    ['a nested property goes', (s) => delete s.properties.data.properties.origin.properties.system],
    [
      'a property is renamed',
      (s) => {
        s.properties.data.properties.fields = s.properties.data.properties.changedFields
        delete s.properties.data.properties.changedFields
      },
    ],
    [
      'a required attribute becomes optional',
      (s) => s.required.splice(s.required.indexOf('id'), 1),
    ],
    ['a type changes', (s) => (s.properties.data.properties.version.type = 'string')],
    [
      'a type gets wider',
      (s) => (s.properties.data.properties.policyVersion.type = ['string', 'null']),
    ],
    ['an integer becomes a number', (s) => (s.properties.data.properties.version.type = 'number')],
    ['a value is added to an enum', (s) => s.properties.data.properties.op.enum.push('RENAMED')],
    ['an enum is opened', (s) => delete s.properties.data.properties.op.enum],
    ['a constant changes', (s) => (s.properties.specversion.const = '2.0')],
    [
      'elements of a list change',
      (s) => (s.properties.data.properties.changedFields.items.type = 'object'),
    ],
    ['a pattern changes', (s) => (s.properties.sequence.pattern = '^\\d{20}$')],
  ]
  for (const [what, change] of breaking) assert.notDeepEqual(changed(change), [], what)
  const adding: [string, (s: Json) => void][] = [
    ['nothing', () => undefined],
    ['a property', (s) => (s.properties.traceparent = { type: 'string' })],
    [
      'a nested property that is always there',
      (s) => {
        s.properties.data.properties.tier = { type: 'string' }
        s.properties.data.required.push('tier')
      },
    ],
    ['a promise', (s) => s.required.push('correlationid')],
    ['a description', (s) => (s.properties.id.description = 'Other words.')],
  ]
  for (const [what, change] of adding) assert.deepEqual(changed(change), [], what)
  const closed = { ...cloudEventJsonSchema(), additionalProperties: false }
  assert.match(incompatibilities(closed, closed)[0] ?? '', /never grow/)
})
