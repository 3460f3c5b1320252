import assert from 'node:assert/strict'
import { test } from 'node:test'
import { block } from '../../demo/block.ts'
import { catalogue } from '../../demo/catalogue.ts'
import { type CustomerView, customerView } from '../../demo/customerView.ts'
import type { Customer, SourceName } from '../../demo/truth.ts'

const companies = 2000
const products = catalogue(1, companies)
const customers: Customer[] = []
for (let number = 0; number * 20 < companies; number++)
  customers.push(...block(1, number, companies, products))

const digits = (text: string | undefined) => (text ?? '').replace(/\D/g, '')

/** Returns which of address, phone and domain the record shows correctly. */
function shown(customer: Customer, view: CustomerView): Set<string> {
  const found = new Set<string>()
  if (digits(view.phone).endsWith(customer.phone.local)) found.add('phone')
  if (
    view.address?.postcode === customer.address.postcode &&
    view.address.city === customer.address.city
  )
    found.add('address')
  const domain = customer.domain
  if (
    view.email === customer.email ||
    (domain && (view.email?.endsWith(`@${domain}`) || view.website?.includes(domain)))
  )
    found.add('domain')
  return found
}

test('any two records of one customer share its address, phone or domain', () => {
  let pairs = 0
  for (const customer of customers) {
    const views = [...customer.sources].flatMap((source) =>
      [0, 1].map((copy) => shown(customer, customerView(1, customer, source as SourceName, copy))),
    )
    for (const [at, one] of views.entries()) {
      for (const other of views.slice(at + 1)) {
        pairs += 1
        assert.ok(
          [...one].some((kind) => other.has(kind)),
          `${customer.key}: ${[...one]} and ${[...other]}`,
        )
      }
    }
  }
  assert.ok(pairs > 10_000)
})

test('subsidiaries share a street, phone or domain with their parent, but neither tax id nor name', () => {
  const kinds = { street: 0, phone: 0, domain: 0 }
  for (const customer of customers) {
    const head = customer.parent
    if (!head) continue
    assert.notEqual(customer.taxId, head.taxId)
    assert.notEqual(customer.organisation!.core.latin, head.organisation!.core.latin)
    if (customer.address.street === head.address.street) kinds.street += 1
    if (customer.phone === head.phone) kinds.phone += 1
    if (customer.domain === head.domain) kinds.domain += 1
  }
  for (const [kind, count] of Object.entries(kinds)) assert.ok(count >= 10, `${kind}: ${count}`)
})

test('the world has households with one phone and namesakes in different towns', () => {
  let households = 0
  let namesakes = 0
  for (let first = 0; first < customers.length; first += 20) {
    const [one, other, elder, younger] = [16, 17, 15, 19].map((slot) => customers[first + slot]!)
    if (one!.phone === other!.phone) {
      households += 1
      assert.equal(one!.person!.surname.latin, other!.person!.surname.latin)
      assert.notEqual(one!.person!.given.latin, other!.person!.given.latin)
      assert.notEqual(one!.email, other!.email)
    }
    if (elder!.organisation!.core.latin === younger!.organisation?.core.latin) {
      namesakes += 1
      assert.notEqual(elder!.address.city, younger!.address.city)
      assert.notEqual(elder!.taxId, younger!.taxId)
      assert.notEqual(elder!.domain, younger!.domain)
    }
  }
  assert.ok(households > 20 && namesakes > 20, `${households} households, ${namesakes} namesakes`)
})

test('apart from the namesakes, hardly any two companies of a country share a name', () => {
  const names = new Map<string, number>()
  for (const customer of customers) {
    if (!customer.organisation) continue
    const name = `${customer.locale.country} ${customer.organisation.core.latin}`
    names.set(name, (names.get(name) ?? 0) + 1)
  }
  const shared = [...names.values()].filter((count) => count > 1).length
  assert.ok(shared <= 55, String(shared))
})
