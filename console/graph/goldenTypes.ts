/** A field of the graph, as far as the console shows and asks for it. */
export interface GraphField {
  name: string
  kind: 'TEXT' | 'NUMBER' | 'YES_NO' | 'DATE' | 'MOMENT' | 'MONEY' | 'CODE' | 'REFERENCE' | 'GROUP'
  list?: true
  required?: true
  /** The type that a reference is to. */
  of?: string
  codes?: string[]
  parts?: GraphField[]
  /** Who may see it: one of the lists, all of its scopes. Everybody if left out. */
  scopes?: string[][]
}

/** A list of objects that refer to a golden record. */
export interface GraphList {
  name: string
  of: string
  golden: boolean
  /** Whether its objects have an id. */
  node: boolean
  columns: GraphField[]
  scopes?: string[][]
}

export interface GoldenType {
  name: string
  /** The field that is the name for people; null if there is none. */
  title: string | null
  fields: GraphField[]
  lists: GraphList[]
  figures: { name: string; fields: GraphField[]; scopes?: string[][] }[]
}

/** Returns the selection of a field: money and groups have parts. */
export function selectionOf(field: GraphField): string {
  if (field.kind === 'MONEY') return `${field.name} { minorUnits currency }`
  if (field.kind === 'GROUP')
    return `${field.name} { ${(field.parts ?? []).map(selectionOf).join(' ')} }`
  return field.name
}
