import type { Clock } from './clock.ts'
import type { Faults } from './faults.ts'
import type { ModelSystem } from './model.ts'
import type { ModelServer } from './server.ts'
import type { Store } from './store.ts'

/** Returns the model system of a store that a server shows. */
export function modelOf(parts: {
  kind: string
  credentials: Readonly<Record<string, string>>
  clock: Clock
  faults: Faults
  store: Store
  server: ModelServer
}): ModelSystem {
  const { kind, credentials, clock, faults, store, server } = parts
  return {
    kind,
    credentials,
    clock,
    faults,
    objects: store.objects,
    state: (object) => store.state(object),
    put: (object, fields) => store.put(object, fields),
    remove: (object, id) => store.remove(object, id),
    automate: (object, rule) => store.automate(object, rule),
    writes: () => store.writes(),
    fill: (count, seed) => store.fill(count, seed),
    day: (changes, seed) => store.day(changes, seed),
    ...server,
  }
}
