import { GraphQLError, isAbstractType, type ValidationRule } from 'graphql'

/**
 * Returns a validation rule: an alias must not have the name of a field by which the gateway finds
 * the entity in another subgraph. It would find another entity, by the value of the aliased field.
 * @param keys the key fields by type
 */
export function rejectHiddenKeys(keys: ReadonlyMap<string, ReadonlySet<string>>): ValidationRule {
  return (context) => ({
    Field(node) {
      const alias = node.alias?.value
      if (alias === undefined || alias === node.name.value) return
      const parent = context.getParentType()
      if (!parent) return
      const schema = context.getSchema()
      const types = [parent, ...(isAbstractType(parent) ? schema.getPossibleTypes(parent) : [])]
      const type = types.find(({ name }) => alias === '__typename' || keys.get(name)?.has(alias))
      if (!type) return
      context.reportError(
        new GraphQLError(
          `"${alias}" cannot be an alias of another field of ${type.name}: the gateway reads the field ${alias} under this name. Choose another alias.`,
          { nodes: node },
        ),
      )
    },
  })
}
