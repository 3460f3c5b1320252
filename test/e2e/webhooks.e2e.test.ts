import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Webhook as Verifier } from 'standardwebhooks'
import { dataDirectory, touchstone } from '../cli/process.ts'
import { testDatabase } from '../database.ts'
import { startReceiver } from '../mdm/webhooks/receiver.ts'
import { until } from '../mdm/webhooks/setting.ts'
import { running } from './running.ts'

const stripe = (id: string, second: number, name: string) => ({
  id: `evt_${second}_${id}`,
  object: 'event',
  created: 1_767_225_600 + second,
  type: 'customer.updated',
  data: {
    object: { id, object: 'customer', name, email: 'rechnung@nordwind.example', currency: 'eur' },
  },
})

test('npm start carries a delivery of a source system to a webhook, stops cleanly and resumes', async (t) => {
  const { dir } = dataDirectory(t)
  const db = await testDatabase({ connectionsMax: 1 })
  const receiver = await startReceiver()
  t.after(async () => {
    await receiver.close()
    await db.drop()
  })
  const env = {
    DATABASE_URL: db.url,
    TOUCHSTONE_WEBHOOK_NETWORKS: '127.0.0.1',
    TOUCHSTONE_WEBHOOK_HTTP: 'allowed',
    TOUCHSTONE_WEBHOOK_PORTS: `443,${receiver.port}`,
  }
  let it = await running(dir, env)
  t.after(() => void it.command.child.kill('SIGKILL'))
  const register = `mutation ($url: String!) { registerWebhook(input: { url: $url, filter: { types: [CUSTOMER] } }) {
    __typename ... on WebhookDone { secret webhook { id } } ... on WebhookRefused { rule } } }`
  const { registerWebhook } = await it.query(register, { url: receiver.url })
  const refused = await it.query(register, { url: 'https://169.254.169.254/' })
  assert.equal(refused.registerWebhook.rule, 'BAD_URL')
  await it.deliver('stripe', null, stripe('cus_Nordwind000001', 1, 'Nordwind Logistik GmbH'))
  await until(() => receiver.received.length > 0)
  const [first] = receiver.received
  assert.ok(first)
  new Verifier(registerWebhook.secret).verify(first.body, first.headers)
  assert.equal(first.event.type, 'touchstone.customer.created')
  assert.equal(first.event.data.after?.name, 'Nordwind Logistik GmbH')
  assert.equal(await it.stop(), 0)

  it = await running(dir, env)
  await it.deliver('stripe', null, stripe('cus_Nordwind000001', 2, 'Nordwind Logistik AG'))
  await until(() => receiver.received.length > 1)
  assert.equal(receiver.received[1]?.event.data.after?.name, 'Nordwind Logistik AG')
  const testCommand = touchstone(['webhooks', 'test', registerWebhook.webhook.id], dir, env)
  await until(async () => {
    const list = touchstone(['webhooks', 'list'], dir, env)
    await list.ended
    return list.output().includes('0 behind; 0 records wait, 0 dead, 0 missed')
  })
  await testCommand.says(/204 after \d+ ms/)
  assert.equal(await it.stop(), 0)
})
