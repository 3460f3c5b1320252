/** Harmful requests. Each has its own text, so that no cache already knows it. */
export type Hostile = (n: number) => string

const times = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ')
const nest = (levels: number, field: string) =>
  `${`${field} { `.repeat(levels)}id${' }'.repeat(levels)}`
const query = (text: (n: number) => string): Hostile => {
  return (n) => JSON.stringify({ query: `${text(n)} # ${n}` })
}

export const HOSTILE: Record<string, Hostile> = {
  deep: query((n) => `{ a${n}: ${nest(1_200, 'node')} }`),
  'deep lists': query(
    (n) =>
      `{ a${n}: customers { nodes { ${nest(60, 'contacts { nodes { customer')}${' } }'.repeat(60)} } } }`,
  ),
  'deep values': query(
    (n) => `{ a${n}: customers(filter: ${'['.repeat(2_000)}${']'.repeat(2_000)}) { totalCount } }`,
  ),
  wide: query((n) => `{ a${n}: feed { head } ${times(2_000, (i) => `f${i}`)} }`),
  'wide, the same': query(
    (n) => `{ a${n}: feed { head } ${times(1_100, () => 'customers { totalCount }')} }`,
  ),
  'wide, within bounds': query(
    (n) => `{ a${n}: feed { head } ${times(120, () => 'customers { totalCount }')} }`,
  ),
  aliased: query((n) => `{ ${times(1_200, (i) => `a${n}_${i}: feed { head }`)} }`),
  'aliased, within bounds': query(
    (n) => `{ ${times(40, (i) => `a${n}_${i}: customers(first: 1) { nodes { id } }`)} }`,
  ),
  'a circle': query(
    (n) => `{ ...A${n} } fragment A${n} on Query { ...B } fragment B on Query { ...A${n} }`,
  ),
  'a long circle': query(
    (n) =>
      `{ a${n}: feed { head } ...F0 } ${times(400, (i) => `fragment F${i} on Query { ...F${(i + 1) % 400} }`)}`,
  ),
  'fragments that double': query(
    (n) =>
      `{ a${n}: feed { head } ...F0 } ${times(300, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F300 on Query { __typename }`,
  ),
  'fragments against each other': query(
    (n) =>
      `{ a${n}: feed { head } ${times(60, (i) => `...F${i}`)} } ${times(60, (i) => `fragment F${i} on Query { ${times(15, () => 'customers { totalCount }')} }`)}`,
  ),
  operations: query(
    (n) => `${times(900, (i) => `query Q${i} { __typename }`)} query Z${n} { __typename }`,
  ),
  directives: query(
    (n) =>
      `{ a${n}: feed @skip(if: true) { head } __typename ${times(700, () => '@skip(if: false)')} }`,
  ),
  introspection: query(
    (n) =>
      `{ a${n}: __schema { types { fields { type { fields { type { fields { name } } } } } } } }`,
  ),
  huge: query((n) => `{ a${n}: customer(id: "${'x'.repeat(64_000)}") { id } }`),
  'too huge': (n) =>
    JSON.stringify({ query: `{ a${n}: feed { head } }`, pad: 'x'.repeat(2_000_000) }),
  'huge variables': (n) =>
    JSON.stringify({
      query: 'query ($id: ID!) { customer(id: $id) { id } }',
      variables: { id: `${n}${'x'.repeat(1_000_000)}` },
    }),
  'many values': (n) =>
    JSON.stringify({
      query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
      variables: { ids: Array.from({ length: 80_000 }, (_, i) => `${n}${i}`) },
    }),
  'deep variables': (n) =>
    `{"query":"query ($f: CustomerFilter) { customers(filter: $f) { totalCount } }","variables":{"n":${n},"f":${'{"not":'.repeat(20_000)}{}${'}'.repeat(20_000)}}}`,
  'no JSON': (n) => `{"query":${'['.repeat(200_000)}${n}`,
  'much at once': query(
    (n) =>
      `{ a${n}: customers(first: 200) { nodes { contacts(first: 200) { nodes { customer { contracts(first: 200) { nodes { id } } } } } } } }`,
  ),
}
