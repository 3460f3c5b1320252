import { type GoldenType, type GraphList, selectionOf } from '../graph/goldenTypes.ts'
import type { Operation } from '../graph/operation.ts'
import {
  type RecordEndFragment,
  RecordEndText,
  type RecordLosersFragment,
  RecordLosersText,
  type RecordOriginFragment,
  RecordOriginText,
  type RecordSourceFragment,
  RecordSourceText,
  type RecordVersionFragment,
  RecordVersionText,
} from './record.generated.ts'

interface Page<T> {
  totalCount: number
  nodes: T[]
}
export interface GoldenRecord {
  __typename: string
  id: string
  version: number
  createdAt: string
  updatedAt: string
  aliases: string[]
  tombstone: RecordEndFragment | null
  title?: string | null
  provenance: RecordOriginFragment[]
  sourceRecords: Page<RecordSourceFragment>
}
interface Ended {
  node: GoldenRecord | null
  viewer: { scopes: string[] } | null
}
/** A relative in a hierarchy. */
export interface Relative {
  id: string
  title?: string | null
  parent?: Relative | null
  children?: Page<Relative>
}
type Item = Record<string, unknown> & { id?: string }
export interface ListPage extends Page<Item> {
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}
type OfNode<T> = { node: T | null }
type ById = { id: string }

/** Levels of parents that are shown. */
const parentsMax = 5
/** Source records of a page; also those that can be chosen in a split. */
export const sourcesMax = 200
export const versionsMax = 200
const childrenMax = 100

/**
 * Returns the operations of the screen for a golden type. They are built from the types of the
 * graph, because an installation may have others than the shipped ones.
 */
export function recordOperations(type: GoldenType) {
  const title = titleSelection(type)
  const of = (name: string, selection: string, texts: string[] = [], variables = '$id: ID!') =>
    [
      `query ${name}Of${type.name}(${variables}) { node(id: $id) { __typename id ... on ${type.name} { ${selection} } } }`,
      ...texts,
    ].join('\n')
  const record = `version createdAt updatedAt aliases ${title} tombstone { ...RecordEnd }
    provenance { ...RecordOrigin } sourceRecords(first: ${sourcesMax}) { totalCount nodes { ...RecordSource } }`
  return {
    record: `query RecordOf${type.name}($id: ID!, $scopes: [String!]!) {
      viewer { scopes(of: $scopes) }
      node(id: $id) { __typename id ... on ${type.name} { ${record} } } }
      ${[RecordEndText, RecordOriginText, RecordSourceText].join('\n')}` as unknown as Operation<
      Ended,
      ById & { scopes: string[] }
    >,
    losers: of('RecordLosers', 'provenance { ...RecordLosers }', [
      RecordLosersText,
    ]) as unknown as Operation<OfNode<{ provenance: RecordLosersFragment[] }>, ById>,
    history: of(
      'RecordHistory',
      `history(first: ${versionsMax}) { totalCount nodes { ...RecordVersion } }`,
      [RecordVersionText],
    ) as unknown as Operation<OfNode<{ history: Page<RecordVersionFragment> }>, ById>,
    family: familyOf(type, of),
    counts: countsOf(type, of),
  }
}

/** The hierarchy: parents above, children below. Null if the type has none. */
function familyOf(
  type: GoldenType,
  of: (name: string, selection: string) => string,
): Operation<OfNode<Relative>, ById> | null {
  const parent = type.fields.find((f) => f.kind === 'REFERENCE' && f.of === type.name && !f.list)
  const children = type.lists.find((l) => l.of === type.name)
  if (!parent || !children) return null
  const title = titleSelection(type)
  const above = (depth: number): string =>
    depth === 0 ? '' : `parent: ${parent.name} { id ${title} ${above(depth - 1)} }`
  const below = `children: ${children.name}(first: ${childrenMax}) { totalCount nodes { id ${title} children: ${children.name}(first: 1) { totalCount } } }`
  return of('RecordFamily', `${title} ${above(parentsMax)} ${below}`) as unknown as Operation<
    OfNode<Relative>,
    ById
  >
}

export type Counts = Record<string, { totalCount: number } | Record<string, unknown> | null>

/** What is attached to the record, as far as the same rights show it. */
export interface CountsPart {
  scopes: string[][] | undefined
  operation: Operation<OfNode<Counts>, ById>
}

/**
 * The size of each list, and figures: an operation for each set of rights, because the graph refuses
 * an operation as a whole. Their texts do not depend on the viewer, so that they can be published.
 */
function countsOf(
  type: GoldenType,
  of: (name: string, selection: string) => string,
): readonly CountsPart[] {
  const parts = Map.groupBy([...type.lists, ...type.figures], (part) => JSON.stringify(part.scopes))
  return [...parts.values()].map((all, n) => ({
    scopes: all[0]?.scopes,
    operation: of(
      `RecordCounts${n + 1}`,
      all
        .map((part) =>
          'fields' in part
            ? `${part.name} { ${part.fields.map(selectionOf).join(' ')} }`
            : `${part.name}(first: 1) { totalCount }`,
        )
        .join(' '),
    ) as unknown as CountsPart['operation'],
  }))
}

export function listOperation(type: GoldenType, list: GraphList) {
  const columns = list.columns.map(selectionOf).join(' ')
  const text = `query RecordListOf${type.name}($id: ID!, $after: String) { node(id: $id) {
    ... on ${type.name} { list: ${list.name}(first: 20, after: $after) {
      totalCount pageInfo { hasNextPage endCursor } nodes { ${list.node ? 'id ' : ''}${columns} } } } } }`
  return text as unknown as Operation<OfNode<{ list: ListPage }>, ById & { after: string | null }>
}

function titleSelection(type: GoldenType): string {
  const field = type.fields.find((f) => f.name === type.title)
  return field && !field.scopes ? `title: ${field.name}` : ''
}
