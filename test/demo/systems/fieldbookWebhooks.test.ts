import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type FieldbookSystem, fieldbook } from '../../../demo/systems/fieldbook/fieldbook.ts'
import { type Fields, newOrganization } from './fieldbookClient.ts'
import { openReceiver, type Receiver } from './receiver.ts'

const dayMs = 86_400_000

describe('webhooks of Fieldbook', () => {
  let system: FieldbookSystem
  let receiver: Receiver
  before(async () => {
    system = await fieldbook.open({ limits: 'none' })
    receiver = await openReceiver()
  })
  beforeEach(() => receiver.requests.splice(0))
  after(() => Promise.all([system.close(), receiver.close()]))

  const events = () => receiver.requests.flatMap(({ body }) => JSON.parse(body) as Fields[])
  /** Returns whether one signature of a request is made with a secret. */
  const isSigned = (at: number, key: string) => {
    const { headers, body } = receiver.requests[at]!
    const parts = String(headers['fieldbook-signature'])
      .split(',')
      .map((part) => part.split('='))
    const [, seconds] = parts.find(([name]) => name === 't')!
    const expected = createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex')
    return parts.some(([name, value]) => name === 'v1' && value === expected)
  }

  test('send events without data, again and in another order, until they are received', async () => {
    system.webhooks.register(receiver.url)
    const [loser, winner] = [newOrganization(system), newOrganization(system)]
    system.merge(loser, winner)
    receiver.status = 500
    assert.deepEqual(await system.webhooks.deliver(), [500])
    receiver.status = 204
    receiver.requests.splice(0)
    assert.deepEqual(await system.webhooks.deliver({ repeat: true, reverse: true }), [204, 204])
    assert.deepEqual(
      events().map(({ type, subject }) => `${type} ${(subject as Fields).id}`),
      [1, 2].flatMap(() => [
        `organization.merged ${loser}`,
        `organization.created ${winner}`,
        `organization.created ${loser}`,
      ]),
    )
    assert.equal(new Set(events().map((event) => event.event_id)).size, 3)
    assert.deepEqual(await system.webhooks.deliver(), [])
  })

  test('sign with both secrets for 24 hours after one is replaced', async () => {
    system.webhooks.register(receiver.url)
    const old = system.webhooks.secret
    const next = system.webhooks.replaceSecret()
    const sendOne = async (options = {}) => {
      newOrganization(system)
      await system.webhooks.deliver(options)
    }
    await sendOne()
    assert.deepEqual([isSigned(0, old), isSigned(0, next)], [true, true])
    await sendOne({ forge: true, agedSeconds: 600 })
    assert.deepEqual([isSigned(1, old), isSigned(1, next)], [false, false])
    system.clock.advance(dayMs)
    await sendOne()
    assert.deepEqual([isSigned(2, old), isSigned(2, next)], [false, true])
  })
})
