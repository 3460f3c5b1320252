import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Source } from 'graphql'
import { judgeConnectors } from '../../connectors/judgeConnectors.ts'
import { objectTypes } from '../../connectors/objectTypes.ts'
import { readSources } from '../../connectors/sources.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { codeOf, inFolder, policy, root } from './fixture.ts'

/** The shipped model with one more field of Customer. */
function withField(sdl: string) {
  const folder = join(root, 'schema/model')
  return parsePolicy(
    readdirSync(folder).map((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      return new Source(
        text.replace(/^type Customer [^{]*\{/m, (head) => `${head}\n  ${sdl}\n`),
        name,
      )
    }),
  )
}

const MAPPING = `objects:
  companies:
    as: Customer
    id: id
    fields:
      name: name
`

/** Opens the system crm with this mapping beside another one without mistakes. */
function judged(mapping: string | null) {
  return inFolder((dir) => {
    if (mapping !== null) writeFileSync(join(dir, 'crm.yaml'), mapping)
    writeFileSync(join(dir, 'shop.yaml'), MAPPING)
    const line = (name: string) =>
      `  - { name: ${name}, kind: generic, role: CRM, trust: 0.5, mapping: ${name}.yaml, developmentSecret: whsec_ZGV2ZWxvcG1lbnQ= }\n`
    writeFileSync(join(dir, 'sources.yaml'), `sources:\n${line('crm')}${line('shop')}`)
    return judgeConnectors(readSources(join(dir, 'sources.yaml'), {}), policy)
  })
}

test('a field of a policy can be filled as soon as mappings are judged by it, and no longer afterwards', () => {
  const { connectors, judge } = judged(`${MAPPING}      tier: tier\n`)
  const row = { id: '1', name: 'Blue Fen', tier: 'gold' }
  assert.match(connectors.get('crm')?.held ?? '', /crm\.yaml:7: unknown field "tier" of Customer/)
  judge(withField('tier: String @systemOfRecord(order: [CRM])'))
  assert.equal(connectors.get('crm')?.held, undefined)
  assert.deepEqual(connectors.get('crm')?.map('companies', row).fields, {
    name: 'Blue Fen',
    tier: 'gold',
  })
  judge(policy)
  assert.match(connectors.get('crm')?.held ?? '', /tier/)
})

test('mappings that come with a kind follow a policy without some of their fields or types; own files do not', () => {
  const folder = join(root, 'schema/model')
  const narrower = parsePolicy(
    readdirSync(folder)
      .filter((name) => name !== 'contact.graphql')
      .map((name) => {
        const text = readFileSync(join(folder, name), 'utf8')
        const without = text.replace(
          / {2}"Currency of its invoices.*\n {2}currency: String.*\n/,
          '',
        )
        return new Source(without, name)
      }),
  )
  const { connectors, judge } = inFolder((dir) => {
    const line = (name: string, more = '') =>
      `  - { name: ${name}, kind: ${name}, role: CRM, trust: 0.5${more} }\n`
    writeFileSync(join(dir, 'own.yaml'), 'objects: { customer: { fields: { currency: cur } } }\n')
    writeFileSync(
      join(dir, 'sources.yaml'),
      `sources:\n${line('salesforce')}${line('netsuite')}${line('stripe', ', mapping: own.yaml')}`,
    )
    return judgeConnectors(readSources(join(dir, 'sources.yaml'), {}), policy)
  })
  const held = () => [...connectors].map(([name, c]) => [name, c.held !== undefined])
  assert.deepEqual(
    held().filter(([, is]) => is),
    [],
  )
  const types = (name: string) => new Set(connectors.get(name)?.objects.map((o) => o.as))
  assert.ok(types('salesforce').has('Contact'))
  judge(narrower)
  assert.deepEqual(
    held().filter(([, is]) => is),
    [['stripe', true]],
  )
  assert.match(connectors.get('stripe')?.held ?? '', /own\.yaml:1: unknown field "currency"/)
  assert.ok(!types('salesforce').has('Contact'))
})

test('a mistake holds its own source system: deliveries are accepted, and reading them gives the reason', () => {
  for (const [mapping, mistake] of [
    [MAPPING.replace('name: name', 'nmae: name'), /crm\.yaml:6: .*did you mean name/],
    [MAPPING.replace('as: Customer', 'as: Costumer'), /crm\.yaml:3: unknown type "Costumer"/],
    [MAPPING.replace('    id: id\n', ''), /companies needs id:/],
    ['objects: [', /crm\.yaml:1/],
    [null, /crm\.yaml: cannot be read/],
  ] as const) {
    const { connectors } = judged(mapping)
    const [crm, shop] = [connectors.get('crm'), connectors.get('shop')]
    assert.ok(crm && shop)
    assert.match(crm.held ?? '', mistake)
    assert.equal(shop.held, undefined)
    const [message] = crm.split('{"id":"1","name":"Blue Fen"}', 'companies', 'd1')
    assert.deepEqual([message?.messageId, message?.object], ['d1', 'companies'])
    const verdict = crm.verify({}, Buffer.from(''), 0)
    assert.equal(
      verdict.ok ? '' : verdict.code,
      'NO_SIGNATURE',
      'and no delivery without signature',
    )
    assert.equal(
      codeOf(() => crm.read('row', message?.body ?? '', 'companies')),
      'SOURCE_HELD',
    )
    assert.throws(() => crm.read('row', '{}', 'companies'), mistake)
    assert.equal(objectTypes(connectors)('crm', 'companies'), null)
    assert.equal(objectTypes(connectors)('shop', 'companies'), 'Customer')
  }
})

test('the version of a mapping changes with the fields that it fills, and not with their policy alone', () => {
  const { connectors, judge } = judged(MAPPING)
  const version = () => connectors.get('crm')?.mappingVersion
  const shipped = version()
  judge(withField('tier: String'))
  const wider = version()
  assert.notEqual(wider, shipped)
  judge(withField('tier: [String!]'))
  assert.notEqual(version(), wider)
  judge(policy)
  assert.equal(version(), shipped)
})
