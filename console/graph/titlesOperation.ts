import { GOLDEN_TYPES } from './goldenTypes.generated.ts'
import type { Operation } from './operation.ts'

export type Titles = { __typename: string; id: string } & Record<string, string | null>

/** Each type has another key: fields of one key must have the same type, required or not. */
const PARTS = GOLDEN_TYPES.flatMap(({ name, title, fields }, n) =>
  title && !fields.find((f) => f.name === title)?.scopes
    ? [`... on ${name} { title${n}: ${title} }`]
    : [],
)
export const TITLES =
  `query RecordTitles($ids: [ID!]!) { nodes(ids: $ids) { __typename id ${PARTS.join(' ')} } }` as unknown as Operation<
    { nodes: (Titles | null)[] | null },
    { ids: string[] }
  >
