import { readdirSync, readFileSync } from 'node:fs'
import { type Source, TOKENS } from './tokens.ts'

const folder = new URL('../../schema/model/', import.meta.url)
const MODEL = readdirSync(folder)
  .filter((f) => f.endsWith('.graphql') && f !== 'directives.graphql')
  .map((f) => readFileSync(new URL(f, folder), 'utf8'))
  .join('\n')

const NAMES = [
  ...[
    'constructor',
    '__proto__',
    'toString',
    'Query',
    'Mutation',
    'Subscription',
    'Node',
    'String',
  ],
  ...['__Type', '_Entity', '_Any', 'Customer', 'CustomerConnection', 'CustomerFilter', 'PageInfo'],
  ...['id', 'a', 'A', 'then', 'type', 'input', 'true', 'null', 'on', 'length', 'JSON', 'DateTime'],
  ...['GoldenType', 'ChangeItem', 'Change', 'join__Graph', 'link__Import', 'federation__FieldSet'],
  `A${'a'.repeat(300)}`,
]

/** Returns a model: the shipped one with something hostile in it, a small one, or any text. */
export function hostileSdl(source: Source): string {
  const name = source.one(NAMES)
  const field = source.one(NAMES)
  const text = JSON.stringify(source.text())
  const kind = source.random()
  if (kind < 0.4) return changed(source, name, field, text)
  if (kind < 0.9) return small(source, name, field, text)
  return source.text()
}

function changed(source: Source, name: string, field: string, text: string): string {
  const at = source.one([...MODEL.matchAll(/\{\n/g)]).index + 2
  const added = source.one([
    `  ${field}: String\n`,
    `  ${field}: ${name}\n`,
    `  ${field}(a: ${name}): [${name}!]!\n`,
    `  ${field}: String @sensitive(scope: ${text})\n`,
    `  ${field}: String @systemOfRecord(order: [${text}])\n`,
    `  ${field}: String @survive(by: ${name})\n`,
    `  ${field}: String @format(as: ${text})\n`,
    `  ${field}: String @compare(as: ${name})\n`,
    `  ${text} ${field}: String @systemOfRecord(when: { field: ${text}, in: [${text}] }, order: [ERP])\n`,
  ])
  return MODEL.slice(0, at) + added + MODEL.slice(at)
}

function small(source: Source, name: string, field: string, text: string): string {
  return source.one([
    `type ${name} @golden { id: ID! ${field}: String @compare(as: TEXT) }`,
    `type ${name} @key(fields: "id") @golden { id: ID! name: String! ${field}: ${source.one(NAMES)} }`,
    `type ${name} @key(fields: ${text}) @golden { id: ID! name: String }`,
    `enum ${name} { ${source.some(NAMES, 5).join(' ')} } type A @golden { id: ID! ${field}: ${name} }`,
    `type ${name} @golden @rows(by: ${source.one(NAMES)}, field: ${text}) { id: ID! }`,
    `type ${name} implements ${field} @golden { id: ID! }`,
    `scalar ${name} union ${field} = ${name} directive @${name}(a: ${name}) on FIELD`,
    `type A @golden { ${`${field}: String `.repeat(source.below(500))} }`,
    `${'type A @golden { id: ID! } '.repeat(source.below(300))}`,
    `type A @golden { id: ID! ${Array.from({ length: source.below(1_000) }, (_, i) => `f${i}: [String!] @compare(as: TEXT)`).join(' ')} }`,
    `type A @golden { a: ${'['.repeat(source.below(3_000))}String }`,
    `extend type ${name} @golden { ${field}: String }`,
    `""" ${source.text()} """ type A @golden { id: ID! }`,
    `# ${source.text()}`,
  ])
}

/** Returns a mapping file with hostile paths, rules and names. */
export function hostileMapping(source: Source): string {
  const path = () => JSON.stringify(source.text())
  const name = JSON.stringify(source.one(TOKENS))
  return source.one([
    `objects:\n  ${name}:\n    as: Customer\n    id: ${path()}\n    fields:\n      name: ${path()}\n`,
    `every: { id: ${path()}, version: ${path()} }\nobjects:\n  customers: { as: ${name}, fields: { name: a } }\n`,
    `every: { id: id }\nobjects: { customers: { as: Customer, fields: { ${name}: a, name: ${path()} } } }\n`,
    `every: { id: id }\nobjects: { c: { as: Customer, fields: { name: { from: a, extract: ${path()} } } } }\n`,
    `every: { id: id }\nobjects: { c: { as: Customer, fields: { name: { from: a, map: { ${name}: ${path()} } } } } }\n`,
    `zone: ${path()}\ndates: ${path()}\nnumbers: ${path()}\nids: ${path()}\nobjects: {}\n`,
    `placeholders: { ${name}: ${source.json()} }\nminorExponents: { ${name}: ${source.json()} }\nobjects: {}\n`,
    `kept: { ${name}: [${path()}], ${name}: ${source.json()} }\n`,
    `events: { verify: { ${name}: ${source.json()} }, key: ${path()} }\nobjects: {}\n`,
    `events: { verify: { hmac: ${path()}, header: ${path()}, as: ${path()}, over: [${path()}] } }\n`,
    `&a [${'*a, '.repeat(3)}]\n`,
    `a: &a [x, x]\n${Array.from({ length: 25 }, (_, i) => `b${i}: &b${i} [*${i === 0 ? 'a' : `b${i - 1}`}, *${i === 0 ? 'a' : `b${i - 1}`}]`).join('\n')}\n`,
    `${'- '.repeat(source.below(2_000))}a\n`,
    `${'['.repeat(source.below(20_000))}`,
    `${'{a: '.repeat(source.below(5_000))}`,
    `<<: { objects: ${source.json()} }\n`,
    source.text(),
    source.json(),
  ])
}
