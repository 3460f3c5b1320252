import { goldenFields } from '../../mdm/golden/read/listField.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'
import { listSdl, partFilterSdl, quoted } from '../shared/listSdl.ts'
import { MASKED, requiresScopes } from '../shared/rights.ts'
import { allFields, groupsOf, listName, lookupName, type Reference, references } from './model.ts'

/**
 * Returns the SDL of a subgraph that owns golden types. It follows from the policy alone: the types
 * without the policy's directives, their groups, enums, lookups, lists and filters. Stubs stand for
 * golden types of other subgraphs.
 */
export function goldenSdl(policy: Policy, owned: readonly string[]): string {
  const types = owned.map((name) => policy.type(name))
  const fields = allFields(policy, types)
  const enums = new Set(fields.filter((f) => f.kind === 'ENUM').map((f) => f.typeName))
  const refs = references(policy).filter((r) => owned.includes(r.from))
  const stubs = new Set(
    [
      ...fields.filter((f) => f.kind === 'REFERENCE').map((f) => f.typeName),
      ...refs.map((r) => r.to),
    ].filter((t) => !owned.includes(t)),
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

function goldenType(
  policy: Policy,
  name: string,
  refs: Reference[],
  owned: readonly string[],
): string {
  const type = policy.type(name)
  return `
${quoted(type.description)}
type ${name} implements Node @key(fields: "id") ${requiresScopes('golden:read')} {
  """
  The golden id. After a merge the retired id leads to the survivor. A record that was requested
  \`asOf\` a moment has the golden id, \`@\` and the moment, so that caches do not take it for the
  present one; lookups and \`node\` accept that id.
  """
  id: ID!
${type.fields.map((f) => fieldSdl(f, owned)).join('\n')}
${reverseFields(refs, name, '!')}
  "Version of the golden record. It increases by one with every change."
  version: Int!
  "When the golden record was created."
  createdAt: DateTime!
  "When the golden record last changed."
  updatedAt: DateTime!
  "Retired golden ids that resolve to this record."
  aliases: [ID!]!
  """
  The requested id, if it is a retired golden id or a source record key that resolves to this record.
  Null if the record was requested by its golden id.
  """
  redirectedFrom: ID
  "The source records of the golden record, the oldest first. This is the crosswalk."
  sourceRecords: SourceRecordConnection!
  "The oldest source records of the golden record, without pages."
  sources("Maximum number of source records, up to 200." first: Int! = 100): [SourceRecord!]!
    @deprecated(reason: "Use sourceRecords, which has pages. It goes with 1.0, not before 2027-06-01.")
  "Number of source records of the golden record."
  sourceCount: Int! @deprecated(reason: "Use sourceRecords { totalCount }. It goes with 1.0, not before 2027-06-01.")
  "The origin of the value of each field. One item for each field that has a value."
  provenance(
    "Returns only these fields; all fields if left out. An unknown name is rejected with BAD_FILTER."
    fields: [String!]
  ): [FieldProvenance!]!
  "The versions of the golden record, the newest first."
  history: GoldenVersionConnection!
  """
  Since when and why the golden record has ended. Null while it is active. After the end only the
  required fields have values, the last ones.
  """
  tombstone: Tombstone
}
`
}

/** A golden type that another subgraph owns, with its id and the lists that this subgraph adds. */
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

/**
 * Fields with the referring records. `mark` is `!` if this subgraph owns the type: then it never
 * fails.
 */
function reverseFields(refs: Reference[], to: string, mark: '!' | ''): string {
  return refs
    .filter((r) => r.to === to)
    .map(
      (r) =>
        `  "The ${words(listName(r.from))} whose ${words(r.field)} is this ${words(lookupName(to))}."
  ${r.reverse}: ${r.from}Connection${mark}`,
    )
    .join('\n')
}

/**
 * A field that is hidden from some callers, or owned by another subgraph, is nullable even if
 * required.
 */
function fieldSdl(f: FieldPolicy, owned: readonly string[]): string {
  const away = f.kind === 'REFERENCE' && !owned.includes(f.typeName)
  const type = f.list ? `[${f.typeName}${away ? '' : '!'}]` : f.typeName
  const note = f.sensitive
    ? ` ${f.mask ? 'Masked' : 'Null'} for callers without the scope ${f.sensitive}.`
    : ''
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
  return `  """
  Returns the ${one} with this id, or null if there never was one. One that has ended is returned with
  its tombstone.
  """
  ${lookupName(type)}(
    "A golden id, a retired golden id, or the key of a source record."
    id: ID!
    "Returns the fields as they were at this moment. Lists and related objects are always present ones."
    asOf: DateTime
  ): ${type} ${requiresScopes('golden:read')}
  """
  Returns the ${one} to which a source record belongs, with its tombstone if it has ended. Null if
  the record is unknown, or was never complete.
  """
  ${lookupName(type)}BySource(
    "Name of the source system."
    system: String!
    "The kind of record as the source system names it, for example Account or customer."
    object: String!
    "Id of the record in the source system."
    id: String!
    "Returns the fields as they were at this moment."
    asOf: DateTime
  ): ${type} ${requiresScopes('golden:read')}
  "Returns all active ${words(listName(type))}."
  ${listName(type)}(
    """
    Returns the records that were active at this moment, with their fields of then. Lists and related
    objects are always present ones. Reads every earlier version, so it is slow: for reports.
    """
    asOf: DateTime
  ): ${type}Connection ${requiresScopes('golden:read')}`
}

function words(name: string): string {
  return name.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)
}
