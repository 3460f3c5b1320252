import type { FieldPolicy, Policy, TypePolicy } from '../../schema/policy.ts'

/** A field of one golden type that names a record of another. */
export interface Reference {
  /** Type that has the field. */
  from: string
  field: string
  to: string
  /** The list on the other side: contacts, contracts, children. */
  reverse: string
}

/** customer for Customer; what a lookup of the type is called. */
export function lookupName(type: string): string {
  return `${type[0]?.toLowerCase()}${type.slice(1)}`
}

/** customers for Customer, companies for Company. */
export function listName(type: string): string {
  const name = lookupName(type)
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`
  return /(s|x|ch|sh)$/.test(name) ? `${name}es` : `${name}s`
}

/**
 * References between golden types with the lists they make on the other side: `Contact.customer`
 * makes `Customer.contacts`; a field of another name says so, `Order.payer` makes
 * `Customer.ordersAsPayer`; a type's reference to itself called parent makes children.
 */
export function references(policy: Policy): Reference[] {
  return policy.types.flatMap((type) =>
    type.fields
      .filter((f) => f.kind === 'REFERENCE' && !f.list)
      .map((f) => ({
        from: type.name,
        field: f.name,
        to: f.typeName,
        reverse: reverseName(type, f),
      })),
  )
}

function reverseName(type: TypePolicy, f: FieldPolicy): string {
  if (f.typeName === type.name && f.name === 'parent') return 'children'
  if (f.name === lookupName(f.typeName)) return listName(type.name)
  return `${listName(type.name)}As${f.name[0]?.toUpperCase()}${f.name.slice(1)}`
}

/**
 * Groups that a type's fields hold, and those that they hold. Money is shared by all subgraphs and
 * not among them.
 */
export function groupsOf(policy: Policy, types: TypePolicy[]): string[] {
  const found = new Set<string>()
  const visit = (fields: FieldPolicy[]): void => {
    for (const f of fields) {
      if (f.kind !== 'GROUP' || f.typeName === 'Money' || found.has(f.typeName)) continue
      found.add(f.typeName)
      visit(policy.groups.get(f.typeName)?.fields ?? [])
    }
  }
  for (const t of types) visit(t.fields)
  return [...found]
}

/** Every field of some types and of the groups in them. */
export function allFields(policy: Policy, types: TypePolicy[]): FieldPolicy[] {
  const groups = groupsOf(policy, types).flatMap((g) => policy.groups.get(g)?.fields ?? [])
  return [...types.flatMap((t) => t.fields), ...groups]
}
