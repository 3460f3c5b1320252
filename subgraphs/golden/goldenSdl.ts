import { goldenFields } from '../../mdm/golden/read/listField.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'
import { listSdl, partFilterSdl, quoted } from '../shared/listSdl.ts'
import { MASKED, requiresScopes } from '../shared/rights.ts'
import { allFields, groupsOf, listName, lookupName, type Reference, references } from './model.ts'

/**
 * The SDL of a subgraph that owns golden types, from the policy alone: the types without the directives that are no
 * business of who asks, their groups and enums, lookups, lists, filters, and stubs of golden types owned elsewhere.
 */
export function goldenSdl(policy: Policy, owned: readonly string[]): string {
  const types = owned.map((name) => policy.type(name))
  const fields = allFields(policy, types)
  const enums = new Set(fields.filter((f) => f.kind === 'ENUM').map((f) => f.typeName))
  const refs = references(policy).filter((r) => owned.includes(r.from))
  const stubs = new Set(
    [...fields.filter((f) => f.kind === 'REFERENCE').map((f) => f.typeName), ...refs.map((r) => r.to)].filter(
      (t) => !owned.includes(t),
    ),
  )
  return [
    ...owned.map((name) => goldenType(policy, name, refs, owned)),
    ...[...stubs].map((name) => stubType(policy, name, refs)),
    ...groupsOf(policy, types).map((name) => groupType(policy, name, owned)),
    ...[...enums].map((name) => enumType(policy, name)),
    ...types.map((t) =>
      listSdl({
        type: t.name,
        plural: words(listName(t.name)),
        fields: goldenFields(policy, t),
        flags: {},
        scope: 'golden:read',
      }),
    ),
    partFilterSdl(types.flatMap((t) => goldenFields(policy, t))),
    `type Query {\n${owned.map((name) => lookups(name)).join('\n')}\n}`,
  ].join('\n')
}

function goldenType(policy: Policy, name: string, refs: Reference[], owned: readonly string[]): string {
  const type = policy.type(name)
  return `
${quoted(type.description)}
type ${name} implements Node @key(fields: "id") ${requiresScopes('golden:read')} {
  "The golden id. After a merge the retired id leads to the survivor."
  id: ID!
${type.fields.map((f) => fieldSdl(f, owned)).join('\n')}
${reverseFields(refs, name, '!')}
  "Rises by one with every change."
  version: Int!
  "When the golden record was first made."
  createdAt: DateTime!
  "When the golden record last changed."
  updatedAt: DateTime!
  "Retired golden ids that lead here."
  aliases: [ID!]!
  "The id that was asked for, where it is a retired one or the key of a source record and this record answers for it."
  redirectedFrom: ID
  "The source records it consists of, the oldest first: the crosswalk."
  sources: SourceRecordConnection!
  "How many source records it consists of."
  sourceCount: Int!
  "Where the values of its fields come from."
  provenance(
    "Only these fields; all when left out."
    fields: [String!]
  ): [FieldProvenance!]!
  "Its versions, newest first."
  history: GoldenVersionConnection!
}
`
}

/** A golden type that another subgraph owns: its id, and the lists that this subgraph adds to it. */
function stubType(policy: Policy, name: string, refs: Reference[]): string {
  const lists = reverseFields(refs, name, '')
  return `
${quoted(policy.type(name).description)}
type ${name} @key(fields: "id"${lists ? '' : ', resolvable: false'}) {
  "The golden id."
  id: ID!
${lists}
}
`
}

/** `mark`: of a list that is always there, because the type is of the same subgraph. */
function reverseFields(refs: Reference[], to: string, mark: '!' | ''): string {
  return refs
    .filter((r) => r.to === to)
    .map(
      (r) =>
        `  "The ${words(listName(r.from))} that name this ${words(lookupName(to))} as their ${words(r.field)}."
  ${r.reverse}: ${r.from}Connection${mark}`,
    )
    .join('\n')
}

/** A value that not every caller may see, or that another subgraph has, can be missing, whatever the model says. */
function fieldSdl(f: FieldPolicy, owned: readonly string[]): string {
  const away = f.kind === 'REFERENCE' && !owned.includes(f.typeName)
  const type = f.list ? `[${f.typeName}${away ? '' : '!'}]` : f.typeName
  const note = f.sensitive ? ` ${f.mask ? 'Masked' : 'Empty'} for callers without the scope ${f.sensitive}.` : ''
  const rule = f.sensitive ? ` ${requiresScopes(f.sensitive)} ${MASKED}` : ''
  return `  ${quoted(`${f.description}${note}`)}\n  ${f.name}: ${type}${f.required && !f.sensitive && !away ? '!' : ''}${rule}`
}

function groupType(policy: Policy, name: string, owned: readonly string[]): string {
  const group = policy.groups.get(name)
  return `
${quoted(group?.description ?? '')}
type ${name} @shareable {
${(group?.fields ?? []).map((f) => fieldSdl(f, owned)).join('\n')}
}
`
}

function enumType(policy: Policy, name: string): string {
  const found = policy.enums.get(name)
  return `
${quoted(found?.description ?? '')}
enum ${name} {
${(found?.values ?? []).map((v) => `  ${quoted(v.description)}\n  ${v.name}`).join('\n')}
}
`
}

function lookups(type: string): string {
  const one = words(lookupName(type))
  return `  "The ${one} of this id: a golden id in force, a retired one, or the key of a source record. None when there is none."
  ${lookupName(type)}(
    "The id."
    id: ID!
    "Its own fields as they were at this moment. Lists and things beside it are as they are now."
    asOf: DateTime
  ): ${type} ${requiresScopes('golden:read')}
  "The ${one} that a source record belongs to. None when the record is unknown or waits for required fields."
  ${lookupName(type)}BySource(
    "Name of the source system."
    system: String!
    "The system's name for the kind of record: Account, customer …"
    object: String!
    "The record's id in its system."
    id: String!
    "Its own fields as they were at this moment."
    asOf: DateTime
  ): ${type} ${requiresScopes('golden:read')}
  "All ${words(listName(type))} in force."
  ${listName(type)}(
    "As they were at this moment: those in force then, with their own fields of then. Lists and things beside them are as they are now. Reads every version from before it: for reports."
    asOf: DateTime
  ): ${type}Connection ${requiresScopes('golden:read')}`
}

function words(name: string): string {
  return name.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)
}
