/** One direction of an association between two objects. */
export interface AssociationType {
  category: 'HUBSPOT_DEFINED'
  typeId: number
  label: string | null
}

/** The unlabelled type of each pair in its two directions: from, to, there and back. */
const PAIRS: readonly [from: string, to: string, there: number, back: number][] = [
  ['contacts', 'companies', 279, 280],
  ['deals', 'contacts', 3, 4],
  ['deals', 'companies', 341, 342],
  ['deals', 'line_items', 19, 20],
  ['deals', 'quotes', 63, 64],
  ['quotes', 'line_items', 67, 68],
  ['quotes', 'contacts', 69, 70],
  ['quotes', 'companies', 71, 72],
  ['orders', 'contacts', 507, 508],
  ['orders', 'companies', 509, 510],
  ['orders', 'deals', 511, 512],
  ['orders', 'line_items', 513, 514],
  ['invoices', 'deals', 175, 176],
  ['invoices', 'contacts', 177, 178],
  ['invoices', 'companies', 179, 180],
  ['invoices', 'line_items', 409, 410],
  ['invoices', 'quotes', 407, 408],
  ['subscriptions', 'contacts', 296, 295],
  ['subscriptions', 'companies', 298, 297],
  ['subscriptions', 'deals', 300, 299],
  ['subscriptions', 'line_items', 302, 301],
  ['subscriptions', 'invoices', 622, 623],
  ['commerce_payments', 'contacts', 387, 388],
  ['commerce_payments', 'companies', 389, 390],
  ['commerce_payments', 'deals', 391, 392],
  ['commerce_payments', 'subscriptions', 393, 394],
  ['commerce_payments', 'orders', 523, 524],
  ['commerce_payments', 'invoices', 541, 542],
]

/** The first company of a record is its primary one, which has a second type. */
const PRIMARY: readonly [from: string, to: string, there: number, back: number][] = [
  ['contacts', 'companies', 1, 2],
  ['deals', 'companies', 5, 6],
]

const key = (from: string, to: string) => `${from} ${to}`

function directed(pairs: typeof PAIRS, label: string | null): Map<string, AssociationType> {
  const category = 'HUBSPOT_DEFINED'
  return new Map(
    pairs.flatMap(([from, to, there, back]) => [
      [key(from, to), { category, typeId: there, label }],
      [key(to, from), { category, typeId: back, label }],
    ]),
  )
}

const unlabelled = directed(PAIRS, null)
const primary = directed(PRIMARY, 'Primary')

/** Returns the types of an association; empty where the two objects cannot be associated. */
export function associationTypes(from: string, to: string, isPrimary: boolean): AssociationType[] {
  const plain = unlabelled.get(key(from, to))
  const first = isPrimary ? primary.get(key(from, to)) : undefined
  return [first, plain].filter((type) => type !== undefined)
}

const targets = new Map(
  [...unlabelled, ...primary].map(([pair, { typeId }]) => {
    const [from, to] = pair.split(' ')
    return [`${from} ${typeId}`, to!] as const
  }),
)

/** Returns the object to which a type of association leads from another. */
export const associatedObject = (from: string, typeId: number): string | undefined =>
  targets.get(`${from} ${typeId}`)
