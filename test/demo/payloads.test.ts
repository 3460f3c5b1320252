import assert from 'node:assert/strict'
import { test } from 'node:test'
import { worldMessages } from '../../demo/world.ts'

// The payloads must have the invariants of the systems they imitate.
const bodies = {
  salesforce: [] as Payload[],
  stripe: [] as Payload[],
  netsuite: [] as Payload[],
  webshop: [] as Payload[],
}
// biome-ignore lint/suspicious/noExplicitAny: payloads of four systems with different shapes
type Payload = { format: string; value: any }
for (const { source, format, body } of worldMessages({ companies: 1000, seed: 3 }))
  bodies[source].push({ format, value: JSON.parse(body) })

test('a Salesforce UPDATE lists in changedFields each part that it carries or sets to null', () => {
  let updates = 0
  let compound = 0
  for (const { format, value } of bodies.salesforce) {
    if (format !== 'events') continue
    const { ChangeEventHeader: header, ...fields } = value.payload
    const carried = Object.entries(fields).flatMap(([name, part]) =>
      part !== null && typeof part === 'object'
        ? Object.keys(part).map((inner) => `${name}.${inner}`)
        : [name],
    )
    if (header.changeType === 'UPDATE') {
      updates += 1
      compound += carried.filter((name) => name.includes('.')).length
      assert.deepEqual(
        [...carried, ...header.nulledFields].sort(),
        [...header.changedFields].sort(),
      )
    } else assert.deepEqual(header.changedFields, [])
    if (header.changeType === 'DELETE') assert.deepEqual(carried, [])
    assert.equal(header.commitNumber > header.commitTimestamp, true)
  }
  assert.ok(updates > 100 && compound > 20, `${updates} updates, ${compound} compound parts`)
})

test('Salesforce commit numbers rise with the time of the commit', () => {
  const commits = bodies.salesforce
    .filter(({ format }) => format === 'events')
    .map(({ value }) => value.payload.ChangeEventHeader)
    .sort((a, b) => a.commitTimestamp - b.commitTimestamp)
  for (let at = 1; at < commits.length; at++) {
    if (commits[at].commitTimestamp > commits[at - 1].commitTimestamp)
      assert.ok(commits[at].commitNumber > commits[at - 1].commitNumber)
  }
})

test('a Stripe update carries the whole object and the previous values of its changed fields', () => {
  let updates = 0
  for (const { value } of bodies.stripe) {
    if (!value.type.endsWith('.updated')) continue
    updates += 1
    for (const [field, before] of Object.entries(value.data.previous_attributes)) {
      assert.ok(field in value.data.object, field)
      assert.notDeepEqual(value.data.object[field], before)
    }
  }
  assert.ok(updates > 50)
})

test('Stripe amounts are integers and add up', () => {
  let invoices = 0
  for (const { value } of bodies.stripe) {
    const object = value.data.object
    if (object.object !== 'invoice') continue
    invoices += 1
    const lines = object.lines.data.reduce(
      (sum: number, line: { amount: number }) => sum + line.amount,
      0,
    )
    assert.equal(lines, object.total)
    assert.ok(Number.isSafeInteger(object.total))
    assert.equal(
      object.amount_due,
      object.status === 'void' ? object.total : object.amount_paid + object.amount_remaining,
    )
  }
  assert.ok(invoices > 200)
})

test('NetSuite postings of a transaction sum to zero, and an invoice to its lines and tax', () => {
  const sums = new Map<string, number>()
  const seen = new Set<string>()
  let invoices = 0
  for (const { value } of bodies.netsuite) {
    const record = value.record
    if (value.recordType === 'transactionAccountingLine' && !seen.has(value.id)) {
      seen.add(value.id)
      sums.set(
        record.transaction.id,
        (sums.get(record.transaction.id) ?? 0) + Math.round(record.amount * 100),
      )
      assert.equal(record.amount, record.debit ?? -record.credit)
    }
    if (value.recordType === 'invoice') {
      invoices += 1
      const lines = record.item.items.reduce(
        (sum: number, line: { amount: number }) => sum + Math.round(line.amount * 100),
        0,
      )
      assert.equal(lines, Math.round(record.subtotal * 100))
      assert.equal(
        Math.round((record.subtotal + record.taxTotal) * 100),
        Math.round(record.total * 100),
      )
    }
  }
  assert.ok(sums.size > 300 && invoices > 300)
  for (const [transaction, sum] of sums) assert.equal(sum, 0, transaction)
})

test('references point to records of the same system', () => {
  const accounts = new Set<string>()
  const entities = new Set<string>()
  const customers = new Set<string>()
  const shops = new Set<string>()
  const wanted: [Set<string>, string][] = []
  for (const { format, value } of bodies.salesforce) {
    const isAccount =
      format === 'rows'
        ? value.attributes.type === 'Account'
        : value.payload.ChangeEventHeader.entityName === 'Account'
    if (isAccount)
      accounts.add(format === 'rows' ? value.Id : value.payload.ChangeEventHeader.recordIds[0])
    const fields = format === 'rows' ? value : value.payload
    if (fields.AccountId) wanted.push([accounts, fields.AccountId])
    if (isAccount && fields.ParentId) wanted.push([accounts, fields.ParentId])
  }
  for (const { value } of bodies.netsuite) {
    if (value.recordType === 'customer') entities.add(value.id)
    const named = [
      value.record?.entity,
      value.record?.customer,
      value.record?.company,
      value.record?.parent,
    ]
    for (const reference of named) if (reference) wanted.push([entities, reference.id])
  }
  for (const { value } of bodies.stripe) {
    const object = value.data.object
    if (object.object === 'customer') customers.add(object.id)
    else if (object.customer) wanted.push([customers, object.customer])
  }
  for (const { value } of bodies.webshop) {
    if ('account_type' in value) shops.add(value.shop_customer_id)
    else if (value.shop_customer_id) wanted.push([shops, value.shop_customer_id])
  }
  assert.ok(wanted.length > 3000)
  for (const [set, id] of wanted) assert.ok(set.has(id), id)
})
