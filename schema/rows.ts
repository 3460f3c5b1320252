import type { ObjectTypeDefinitionNode } from 'graphql'
import { argument, directive, fail, oneOf, string } from './directives.ts'
import { type FieldPolicy, ROW_RIGHTS, type RowPolicy } from './policy.ts'

/**
 * Returns who may see the records of a type, as `@rows` at it and at its fields says; undefined
 * without `@rows`.
 */
export function rowsOf(
  o: ObjectTypeDefinitionNode,
  fields: FieldPolicy[],
  objects: ReadonlyMap<string, ObjectTypeDefinitionNode>,
): RowPolicy | undefined {
  const own = directive(o, 'rows')
  const stated = (o.fields ?? []).flatMap((f) =>
    (f.directives ?? []).filter((d) => d.name.value === 'rows').map((d) => ({ f, d })),
  )
  if (own) {
    if (oneOf(own, 'by', ROW_RIGHTS, o.name.value) !== 'EVERYONE' || stated.length > 0)
      fail(
        own,
        `${o.name.value}: @rows of a type is (by: EVERYONE), and then no field has it; the others stand at fields`,
      )
    return { by: 'EVERYONE' }
  }
  const values: { by: 'VALUES'; region?: string[]; legalEntities?: string } = { by: 'VALUES' }
  for (const { f, d } of stated) {
    const where = `${o.name.value}.${f.name.value}`
    const by = oneOf(d, 'by', ROW_RIGHTS, where)
    const field = fields.find((x) => x.name === f.name.value)
    const part = string(argument(d, 'part'))
    if (by === 'REFERENCE' && field?.kind === 'REFERENCE' && !field.list && stated.length === 1)
      return { by: 'REFERENCE', field: field.name }
    const group = field && objects.get(field.typeName)
    const leaf =
      part === undefined
        ? field?.kind
        : group?.fields?.some((x) => x.name.value === part)
          ? 'STRING'
          : 'none'
    const text = leaf === 'STRING' || leaf === 'ENUM'
    if (by === 'REGION' && text && !field?.list && !values.region)
      values.region = part === undefined ? [f.name.value] : [f.name.value, part]
    else if (by === 'LEGAL_ENTITY' && text && part === undefined && !values.legalEntities)
      values.legalEntities = f.name.value
    else
      fail(
        d,
        `${where}: @rows(by:) is REGION at one text, or one text part of a group (part:), LEGAL_ENTITY at one text or list of texts, or REFERENCE at one reference and nothing else`,
      )
  }
  return stated.length > 0 ? values : undefined
}
