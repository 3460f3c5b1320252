import type { FieldPolicy, Policy, TypePolicy } from '../../schema/policy.ts'

/** A field of one golden type that references a record of another. */
export interface Reference {
  /** The type that has the field. */
  from: string
  field: string
  to: string
  /** The name of the reverse list: contacts, contracts, children. */
  reverse: string
}

/** Returns the name of a type's lookup: customer for Customer. */
export function lookupName(type: string): string {
  return `${type[0]?.toLowerCase()}${type.slice(1)}`
}

/** Returns the name of a type's list: customers for Customer, companies for Company. */
export function listName(type: string): string {
  const name = lookupName(type)
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`
  return /(s|x|ch|sh)$/.test(name) ? `${name}es` : `${name}s`
}

/** Returns the enum value of a golden type: SALES_ORDER for SalesOrder. */
export function typeEnumName(type: string): string {
  return type.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toUpperCase()
}

/** Returns the name of the subscription of a golden type: customerChanged for Customer. */
export function changedName(type: string): string {
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}Changed`
}

/**
 * Returns the references between golden types and the names of their reverse lists.
 * `Contact.customer` makes `Customer.contacts`. A field with another name includes it:
 * `Order.payer` makes `Customer.ordersAsPayer`. A type's reference to itself called parent makes
 * children.
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
 * Returns the groups of a type's fields, nested groups included. Money is not among them: all
 * subgraphs share it.
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

/** Returns every field of some types and of the groups in them. */
export function allFields(policy: Policy, types: TypePolicy[]): FieldPolicy[] {
  const groups = groupsOf(policy, types).flatMap((g) => policy.groups.get(g)?.fields ?? [])
  return [...types.flatMap((t) => t.fields), ...groups]
}
