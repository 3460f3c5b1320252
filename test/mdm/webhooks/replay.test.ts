import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { closed } from '../../../mdm/webhooks/breaker.ts'
import { Delivery, type DeliveryOptions } from '../../../mdm/webhooks/delivery.ts'

test('a delivery that cannot read the events of a replay ends, so that the next one reads them', async () => {
  const away = async () => {
    throw new Error('the database is away')
  }
  const ended: unknown[] = []
  const options: DeliveryOptions = {
    ...{ held: () => true, now: () => 0, random: () => 0.5 },
    store: {
      ...{ event: away, eventBehind: away, nextReplay: away },
      ...{ replays: away, save: away, disable: away },
    },
    ...{ send: away, behind: away },
    schedule: { delaysMs: [1_000], forMs: 1_000 } as never,
    onEnd: (e) => ended.push(e),
  }
  const standing = {
    position: 0,
    epoch: 'e',
    breaker: closed,
    parked: [],
    delivered: new Set<number>(),
  }
  new Delivery(options, standing).replaySoon()
  await setImmediate()
  assert.deepEqual(ended.map(String), ['Error: the database is away'])
})
