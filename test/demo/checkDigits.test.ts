import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { stdnum } from 'stdnum'
import { block } from '../../demo/block.ts'
import { catalogue } from '../../demo/catalogue.ts'
import { taxIdOf } from '../../demo/checkDigits.ts'
import { random } from '../../demo/random.ts'
import { worldMessages } from '../../demo/world.ts'

/** The validator of each country, and the length of the prefix that it does not accept. */
const validators: Readonly<Record<string, readonly [kind: string, prefix: number]>> = {
  DE: ['vat', 0],
  AT: ['uid', 0],
  FR: ['tva', 0],
  IT: ['iva', 0],
  ES: ['cif', 2],
  NL: ['btw', 0],
  GB: ['vat', 0],
  PL: ['nip', 0],
  PT: ['nif', 0],
  GR: ['vat', 0],
  BG: ['vat', 0],
  CH: ['vat', 0],
  JP: ['cn', 0],
  CN: ['uscc', 0],
  US: ['ein', 0],
}

test('tax ids have the check digits of their country', () => {
  assert.deepEqual(Object.keys(taxIdOf).sort(), Object.keys(validators).sort())
  for (const [country, make] of Object.entries(taxIdOf)) {
    const [kind, prefix] = validators[country]!
    for (let n = 0; n < 200; n++) {
      const id = make(random('tax id', country, n))
      assert.equal(
        stdnum[country]?.[kind]?.validate(id.slice(prefix)).isValid,
        true,
        `${country}: ${id}`,
      )
    }
  }
})

test('GTINs have their check digit and are unique', () => {
  const gtins = catalogue(1, 20_000).flatMap((product) => product.gtin ?? [])
  assert.ok(gtins.length > 200)
  assert.equal(new Set(gtins).size, gtins.length)
  for (const gtin of gtins) {
    assert.match(gtin, /^\d{13}$/)
    const sum = [...gtin]
      .reverse()
      .reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0)
    assert.equal(sum % 10, 0, gtin)
  }
})

/**
 * The suffix computed independently: per five characters, capitals are bits from the right.
 */
function suffixOf(id15: string): string {
  return [0, 5, 10]
    .map((from) =>
      [...id15.slice(from, from + 5)]
        .reverse()
        .map((sign) => (/[A-Z]/.test(sign) ? '1' : '0'))
        .join(''),
    )
    .map((bits) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'[Number.parseInt(bits, 2)])
    .join('')
}

test('Salesforce ids have 18 characters, the last three their checksum, and the prefix of their object', () => {
  assert.equal(suffixOf('001A0000006Vm9u'), 'IAC')
  const prefixes: Readonly<Record<string, string>> = {
    Account: '001',
    Contact: '003',
    Opportunity: '006',
    Product2: '01t',
    Contract: '800',
  }
  const ids = new Set<string>()
  for (const { source, object, format, body } of worldMessages({ companies: 200, seed: 5 })) {
    if (source !== 'salesforce') continue
    const value = JSON.parse(body)
    const id: string = format === 'rows' ? value.Id : value.payload.ChangeEventHeader.recordIds[0]
    assert.equal(id.length, 18)
    assert.equal(id.slice(15), suffixOf(id.slice(0, 15)), id)
    assert.equal(id.slice(0, 3), prefixes[object])
    ids.add(id.toLowerCase())
    for (const reference of [value.AccountId, value.ParentId, value.OwnerId, value.ContractId]) {
      if (reference) assert.equal(reference.slice(15), suffixOf(reference.slice(0, 15)), reference)
    }
  }
  assert.ok(ids.size > 400)
})

test('phone numbers are valid in their country', () => {
  const products = catalogue(1, 1000)
  for (let number = 0; number < 50; number++) {
    for (const customer of block(1, number, 1000, products)) {
      for (const phone of [customer.phone, customer.mobile]) {
        if (!phone) continue
        const text = `+${phone.dial}${phone.area}${phone.local}`
        assert.ok(parsePhoneNumberFromString(text)?.isValid(), `${customer.locale.country} ${text}`)
      }
    }
  }
})
