import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readNamedElement } from '../../connectors/mapping/namedElement.ts'
import { parsePath } from '../../connectors/mapping/pathText.ts'
import { readAt, writeAt } from '../../connectors/mapping/rawPath.ts'
import { ofKind } from './fixture.ts'

const at = (value: string) => `addresses.results[].emails.results[mail=${value}].mail`
const raw = {
  addresses: {
    results: [
      { id: 1, emails: { results: [] } },
      { id: 2, emails: { results: [{ n: '1', mail: 'a@b.example' }] } },
    ],
  },
}

describe('an element that is named by its value', () => {
  test('is read wherever it stands', () => {
    assert.equal(readAt(raw, at('a@b.example')), 'a@b.example')
    assert.equal(readAt(raw, at('c@d.example')), undefined)
  })

  test('is made in the first list where it is not there, and only its value is emptied', () => {
    const added = writeAt(raw, at('c@d.example'), 'c@d.example')
    assert.deepEqual(added?.addresses, {
      results: [
        { id: 1, emails: { results: [{ mail: 'c@d.example' }] } },
        { id: 2, emails: { results: [{ n: '1', mail: 'a@b.example' }] } },
      ],
    })
    const emptied = writeAt(raw, at('a@b.example'), null)
    assert.deepEqual(readAt(emptied ?? {}, 'addresses.results[1].emails.results[0]'), {
      ...{ n: '1', mail: null },
    })
    assert.deepEqual(writeAt({}, at('a@b.example'), null), {})
    assert.deepEqual(writeAt({}, at('x@y.example'), 'x@y.example'), {
      addresses: { results: [{ emails: { results: [{ mail: 'x@y.example' }] } }] },
    })
  })

  test('is none where another field names the element', () => {
    assert.equal(readNamedElement(parsePath('emails[kind=work].mail').steps), null)
    assert.equal(writeAt({ emails: [] }, 'emails[kind=work].mail', 'x'), null)
  })
})

describe('the values of a list of elements', () => {
  const partner = {
    BusinessPartner: '1',
    BusinessPartnerCategory: '2',
    Customer: '1',
    OrganizationBPName1: 'Muster',
    to_BusinessPartnerTax: {
      results: [
        { BPTaxType: 'DE0', BPTaxNumber: 'DE136695976' },
        { BPTaxType: 'FR0', BPTaxNumber: 'FR40303265045' },
      ],
    },
  }
  const tax = (value: string) => `to_BusinessPartnerTax.results[BPTaxNumber=${value}].BPTaxNumber`
  const invert = (wanted: readonly string[]) =>
    ofKind('sap').invert('A_BusinessPartner', 'taxIds', wanted, partner, () => [])

  test('one is added beside the others, whatever their order', () => {
    const made = invert(['DE129273398', 'FR40303265045', 'DE136695976'])
    assert.ok('values' in made)
    assert.deepEqual([...made.values], [[tax('DE129273398'), 'DE129273398']])
  })

  test('one takes the place of another', () => {
    const made = invert(['DE129273398', 'FR40303265045'])
    assert.ok('values' in made)
    assert.deepEqual(Object.fromEntries(made.values), {
      [tax('DE136695976')]: null,
      [tax('DE129273398')]: 'DE129273398',
    })
  })

  test('one that would be left over is refused, because nothing is deleted', () => {
    const made = invert(['FR40303265045'])
    assert.ok('refused' in made)
    assert.equal(made.refused.code, 'NO_REMOVAL')
    assert.match(made.refused.detail, /DE136695976/)
  })
})
