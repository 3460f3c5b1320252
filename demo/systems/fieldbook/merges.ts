import type { Action, Store } from '../kit/store.ts'

interface Membership {
  id: string
  role: string | null
  primary: boolean
}

/** Organizations that lost a merge, with their winners. */
export class Merges {
  readonly #winners = new Map<string, string>()

  winnerOf(loser: string): string | undefined {
    return this.#winners.get(loser)
  }

  /** Moves people and deals of one organization to another, and deletes the one. */
  merge(store: Store, loser: string, winner: string): void {
    for (const id of [loser, winner]) {
      const row = store.table('organizations').get(id)
      if (!row || row.deleted) throw new Error(`there is no organization ${id} to merge`)
    }
    if (loser === winner) throw new Error(`organization ${loser} cannot be merged with itself`)
    for (const { id, memberships } of peopleOf(store, loser))
      store.put('people', { id, organizations: moved(memberships, loser, winner) })
    for (const id of dealsOf(store, loser)) store.put('deals', { id, organization_id: winner })
    this.#winners.set(loser, winner)
    store.remove('organizations', loser)
  }

  /** A change of a day. */
  readonly action: Action = {
    weight: 0.5,
    run: (draw, store) => {
      const [loser, winner] = [store.pick(draw, 'organizations'), store.pick(draw, 'organizations')]
      if (loser !== undefined && winner !== undefined && loser !== winner)
        this.merge(store, loser, winner)
    },
  }
}

/** Takes a deleted organization out of its people, and deletes whom and what it leaves behind. */
export function leaveOrganization(store: Store, organization: string): void {
  for (const id of dealsOf(store, organization)) store.remove('deals', id)
  for (const { id, memberships } of peopleOf(store, organization)) {
    const rest = memberships.filter((membership) => membership.id !== organization)
    if (rest.length === 0) store.remove('people', id)
    else store.put('people', { id, organizations: withPrimary(rest) })
  }
}

/** A person in both organizations is a member of the winner once, and primary if either was. */
function moved(memberships: readonly Membership[], loser: string, winner: string): Membership[] {
  const lost = memberships.find(({ id }) => id === loser)!
  if (!memberships.some(({ id }) => id === winner))
    return memberships.map((one) => (one === lost ? { ...one, id: winner } : one))
  return memberships
    .filter((one) => one !== lost)
    .map((one) => (one.id === winner ? { ...one, primary: one.primary || lost.primary } : one))
}

const withPrimary = (memberships: readonly Membership[]): Membership[] =>
  memberships.some(({ primary }) => primary)
    ? [...memberships]
    : memberships.map((one, n) => ({ ...one, primary: n === 0 }))

function peopleOf(store: Store, organization: string) {
  return [...store.table('people').rows()].flatMap(({ id, record, deleted }) => {
    const memberships = record.organizations as Membership[]
    const belongs = !deleted && memberships.some((membership) => membership.id === organization)
    return belongs ? [{ id, memberships }] : []
  })
}

const dealsOf = (store: Store, organization: string): string[] =>
  [...store.table('deals').rows()]
    .filter(({ record, deleted }) => !deleted && record.organization_id === organization)
    .map(({ id }) => id)
