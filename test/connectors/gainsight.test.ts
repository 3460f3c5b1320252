import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordKey } from '../../schema/recordKey.ts'
import { ofKind, readOne } from './fixture.ts'

const gainsight = ofKind('gainsight')

describe('Gainsight', () => {
  test('a company is a customer, with its health and its renewal', () => {
    const record = {
      Gsid: '1P02AAA',
      Name: 'Muster AG',
      ParentCompany: '1P02GRP',
      ARR: 120000,
      RenewalDate: 1_785_542_400_000,
      CurrentScore: 82,
      Stage: 'Adoption',
      Csm: '1P01USER',
      ModifiedDate: 1_772_357_405_000,
    }
    const { change, canonical } = readOne(gainsight, 'row', record, 'Company')
    assert.deepEqual([change.sourceId, change.version], ['1P02AAA', 1_772_357_405_000_000n])
    assert.deepEqual(canonical.issues, [])
    assert.deepEqual(canonical.fields, {
      name: 'Muster AG',
      parent: recordKey('gainsight', 'Company', '1P02GRP'),
    })
    const [, health] = gainsight.read('row', JSON.stringify(record), 'Company')
    assert.deepEqual([health?.object, health?.sourceId], ['CompanyHealth', '1P02AAA'])
    const named = { ...record, Csm__gr: { Name: 'Ada Lovelace' } }
    assert.deepEqual(gainsight.map('CompanyHealth', named), {
      type: 'CustomerHealth',
      fields: {
        customer: recordKey('gainsight', 'Company', '1P02AAA'),
        score: 82,
        stage: 'Adoption',
        manager: 'Ada Lovelace',
        renewalDate: '2026-08-01',
      },
      issues: [],
      complete: true,
    })
    const { fields } = gainsight.map('CompanyHealth', { ...record, CurrencyIsoCode: 'EUR' })
    assert.deepEqual([fields.annualAmount, fields.currency], [12_000_000, 'EUR'])
  })

  test('the success manager is an owner where the record has the name', () => {
    const { fields } = readOne(
      gainsight,
      'row',
      { Gsid: '1', Name: 'N', Csm__gr: { Name: 'Ada Lovelace' }, Status: 'Churned' },
      'company',
    ).canonical
    assert.deepEqual([fields.accountOwner, fields.lifecycle], ['Ada Lovelace', 'FORMER'])
  })

  test('a person is a contact of its primary company, else of the first', () => {
    const person = (companies: object[]) =>
      readOne(
        gainsight,
        'row',
        {
          Gsid: '1P03',
          FirstName: 'Ada',
          LastName: 'Lovelace',
          Email: 'ada@muster.example',
          companies,
        },
        'Person',
      ).canonical.fields
    const a = { Company_ID: '1P02AAA', Title: 'CTO', IsPrimaryCompany: false }
    const b = { Company_ID: '1P02BBB', Title: 'Adviser', IsPrimaryCompany: true }
    assert.deepEqual(person([a, b]), {
      name: 'Ada Lovelace',
      givenName: 'Ada',
      surname: 'Lovelace',
      jobTitle: 'Adviser',
      emails: ['ada@muster.example'],
      customer: recordKey('gainsight', 'Company', '1P02BBB'),
    })
    assert.equal(person([a]).customer, recordKey('gainsight', 'Company', '1P02AAA'))
    assert.equal(person([]).customer, undefined)
  })

  test('other objects are kept by their Gsid', () => {
    for (const object of ['Company_Person', 'Relationship', 'GsUser', 'call_to_action'])
      assert.equal(readOne(gainsight, 'row', { Gsid: '7' }, object).change.sourceId, '7', object)
  })
})
