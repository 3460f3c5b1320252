import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mappingChanges } from '../../connectors/mapping/mappingChanges.ts'

const file = 'connectors/stripe/mapping.yaml'
const whole = readFileSync(file, 'utf8')

function changed(...edits: [string, string][]) {
  let now = whole
  for (const [from, to] of edits) {
    assert.ok(now.includes(from), from)
    now = now.replace(from, to)
  }
  return mappingChanges(new Map([[file, whole]]), new Map([[file, now]])).map((c) => [
    c.level,
    c.coordinate.slice(file.length + 1),
  ])
}

test('rates a removed rule as breaking, a changed one as dangerous, an added one as safe', () => {
  assert.deepEqual(changed(), [])
  assert.deepEqual(changed(['      emails: [email]\n', '']), [
    ['BREAKING', 'customer.fields.emails'],
  ])
  assert.deepEqual(changed(['aliases: [customers]', 'aliases: [clients]']), [
    ['BREAKING', 'customer.aliases.customers'],
    ['SAFE', 'customer.aliases.clients'],
  ])
  assert.deepEqual(changed(['  id: id\n', '  id: [key, id]\n']), [['BREAKING', 'every.id']])
  assert.deepEqual(changed(['as: Product', 'as: Kept']), [['BREAKING', 'product.as']])
  assert.deepEqual(changed(['"true": ACTIVE, ', '']), [
    ['BREAKING', 'product.fields.status.map.true'],
  ])
  assert.deepEqual(changed(['emails: [email]', 'emails: [email, receipt_email]']), [
    ['DANGEROUS', 'customer.fields.emails'],
  ])
  assert.deepEqual(
    changed(['      name: name\n', '      name: { from: name, map: { none: null } }\n'])[0],
    ['DANGEROUS', 'product.fields.name'],
  )
  assert.deepEqual(
    changed(['      emails: [email]\n', '      emails: [email]\n      domains: [website]\n']),
    [['SAFE', 'customer.fields.domains']],
  )
  const kept = changed(
    ['  coupon: [coupons]\n', ''],
    [
      'objects:\n',
      'objects:\n  coupon: { as: Product, aliases: [coupons], fields: { name: name } }\n',
    ],
  )
  assert.deepEqual(kept, [
    ['SAFE', 'coupon.as'],
    ['SAFE', 'coupon.fields.name'],
  ])
  assert.deepEqual(changed(['  coupon: [coupons]\n', '']), [
    ['BREAKING', 'coupon.as'],
    ['BREAKING', 'coupon.aliases.coupons'],
  ])
  const objects = changed([
    whole.slice(whole.indexOf('  product:'), whole.indexOf('  subscription:')),
    '',
  ])
  assert.ok(objects.length > 5 && objects.every(([level]) => level === 'BREAKING'))
})

test('rates a removed mapping file as breaking, a new one as safe', () => {
  const one = new Map([[file, whole]])
  assert.deepEqual(mappingChanges(one, new Map())[0]?.level, 'BREAKING')
  assert.deepEqual(mappingChanges(new Map(), one)[0]?.level, 'SAFE')
})
