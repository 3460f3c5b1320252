import type { TypePolicy } from '../../schema/policy.ts'

/**
 * Returns the field that names a golden record's parent of the same type; undefined if there is
 * none.
 */
export function parentField(type: TypePolicy): string | undefined {
  return type.fields.find((f) => f.kind === 'REFERENCE' && f.typeName === type.name && !f.list)
    ?.name
}
