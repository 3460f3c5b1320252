import { type ConstDirectiveNode, Kind, parse, print, visit } from 'graphql'

const ROOTS = ['Query', 'Mutation', 'Subscription']

/**
 * Adds a tag to each root field of an SDL, by which a contract may leave it out
 * (gateway/federation/contract.ts).
 */
export function tagRoots(sdl: string, tag: string): string {
  const name = { kind: Kind.NAME, value: 'name' } as const
  const directive: ConstDirectiveNode = {
    kind: Kind.DIRECTIVE,
    name: { kind: Kind.NAME, value: 'tag' },
    arguments: [{ kind: Kind.ARGUMENT, name, value: { kind: Kind.STRING, value: tag } }],
  }
  const root = <
    T extends {
      name: { value: string }
      fields?: readonly { directives?: readonly ConstDirectiveNode[] }[]
    },
  >(
    node: T,
  ) =>
    ROOTS.includes(node.name.value)
      ? {
          ...node,
          fields: node.fields?.map((f) => ({
            ...f,
            directives: [...(f.directives ?? []), directive],
          })),
        }
      : undefined
  return print(visit(parse(sdl), { ObjectTypeDefinition: root, ObjectTypeExtension: root }))
}
