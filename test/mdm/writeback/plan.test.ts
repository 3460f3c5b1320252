import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Provenance } from '../../../mdm/golden/survive.ts'
import { planWrites } from '../../../mdm/writeback/plan.ts'
import type { PlanInput, TargetRecord } from '../../../mdm/writeback/planInput.ts'
import type { PastWrite } from '../../../mdm/writeback/stop.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { policy } from '../../fixtures/store.ts'
import { directMapping, directTarget } from './directTarget.ts'

const roles: Record<string, string> = { crm: 'CRM', billing: 'BILLING', erp: 'ERP' }
const erp = recordKey('erp', 'Customer', 'E1')
const crm = recordKey('crm', 'Customer', 'C1')
const goldenId = '11111111-1111-8111-a111-111111111111'

/** The record of the target `billing`, with what was written over what it states. */
function record(own: Record<string, unknown>, over: Record<string, unknown> = {}): TargetRecord {
  const { map } = directMapping('billing', { customer: 'Customer' })
  const held = { ...own, ...over }
  return {
    key: recordKey('billing', 'Customer', 'B1'),
    object: 'Customer',
    sourceId: 'B1',
    held,
    ownFields: map('Customer', own),
    heldFields: map('Customer', held),
  }
}

function plan(
  values: Record<string, unknown>,
  origin: Record<string, Provenance>,
  more: Partial<Omit<PlanInput, 'golden'>> & { type?: string } = {},
) {
  const type = policy.type(more.type ?? 'Customer')
  return planWrites({
    golden: { id: goldenId, type, values, provenance: origin },
    target: directTarget('billing', 'BILLING'),
    records: [],
    isBeingCreated: false,
    mayBe: null,
    isLoaded: () => true,
    former: null,
    systemOf(key) {
      const source = [...Object.keys(roles)].find(
        (s) => key === recordKey(s, 'Customer', `${s[0]?.toUpperCase()}1`),
      )
      return source === undefined ? undefined : { source, role: roles[source] ?? '' }
    },
    goldenOf: () => undefined,
    recordsOf: () => [],
    historyOf: () => [],
    ...more,
  })
}

const fromErp = { r: [erp], u: 'SYSTEM_OF_RECORD' }
const fromBilling = { r: [recordKey('billing', 'Customer', 'B1')], u: 'SYSTEM_OF_RECORD' }
const done = (field: string, after: unknown, more: Partial<PastWrite> = {}): PastWrite => ({
  ...{ state: 'DONE', hash: 'h', changes: { [field]: { after } }, endedAt: new Date(0) },
  ...{ isReleased: false, isClosed: false, ...more },
})

describe('an update', () => {
  test('has the listed fields that a higher system of record states otherwise', () => {
    const [write, ...rest] = plan(
      { name: 'Ada Ltd', currency: 'EUR', lifecycle: 'CUSTOMER', accountOwner: 'Eve' },
      { name: fromErp, currency: fromErp, accountOwner: fromErp },
      { records: [record({ name: 'Ada', currency: 'USD', accountOwner: 'Bob' })] },
    )
    assert.deepEqual(rest, [])
    assert.deepEqual(write?.values, { name: 'Ada Ltd' }, 'billing owns the currency')
    assert.deepEqual(write?.former, { name: 'Ada' })
    assert.deepEqual(write?.changes, { name: { before: 'Ada', after: 'Ada Ltd', paths: ['name'] } })
    assert.equal(write?.sourceId, 'B1')
  })

  test('follows the stage: the CRM owns the name of a prospect, and the ERP that of a customer', () => {
    const values = { name: 'Ada Ltd' }
    const crmName = { name: { r: [crm], u: 'SYSTEM_OF_RECORD' } }
    const target = directTarget('erp', 'ERP')
    const own = { ...record({ name: 'Ada' }), key: erp, sourceId: 'E1' }
    const at = (lifecycle: string) =>
      plan({ ...values, lifecycle }, crmName, { target, records: [own] }).length
    assert.deepEqual([at('PROSPECT'), at('CUSTOMER')], [1, 0])
  })

  test('of a value that the target holds in another spelling is none', () => {
    const writes = plan(
      { legalName: 'DE', taxIds: ['A', 'B'] },
      { legalName: { r: [], u: 'STEWARD' }, taxIds: fromErp },
      { records: [record({ legalName: 'Deutschland', taxIds: ['B', 'A'] })] },
    )
    assert.deepEqual(writes, [])
  })

  test('has a value that a steward states, also for the owner of the field', () => {
    const writes = plan(
      { currency: 'EUR' },
      { currency: { r: [], u: 'STEWARD' } },
      { records: [record({ currency: 'USD' })] },
    )
    assert.deepEqual(writes[0]?.values, { currency: 'EUR' })
  })

  test('gives back what the target states itself, once nobody states more', () => {
    const held = record({ currency: 'USD', name: 'Ada' }, { currency: 'EUR', legalName: 'Ada SE' })
    const writes = plan(
      { currency: 'USD', name: 'Ada' },
      { currency: fromBilling },
      { records: [held] },
    )
    assert.deepEqual(writes[0]?.values, { legalName: null, currency: 'USD' })
  })

  test('keeps two records of one golden record in step', () => {
    const other = { ...record({ name: 'ADA' }), key: crm, sourceId: 'B2' }
    const writes = plan(
      { name: 'Ada Ltd' },
      { name: fromErp },
      { records: [record({ name: 'Ada' }), other] },
    )
    assert.deepEqual(
      writes.map((w) => w.sourceId),
      ['B1', 'B2'],
    )
  })

  test('refuses a field without an inverse, visibly, and writes the others', () => {
    const writes = plan(
      { name: 'Ada Ltd', kind: 'PERSON' },
      { name: fromErp, kind: fromErp },
      { records: [record({ name: 'Ada', kind: 'ORGANISATION' })] },
    )
    assert.deepEqual(
      writes.map((w) => [w.values, w.refused.map((r) => r.code)]),
      [
        [{ name: 'Ada Ltd' }, []],
        [{}, ['NO_INVERSE']],
      ],
    )
  })

  test('refuses what would be read with another value, and what changes another field', () => {
    const lossy = directMapping(
      'billing',
      {},
      {
        invert: (_, field) => ({ values: new Map([[field, 'Germany']]), also: [] }),
      },
    )
    const beside = directMapping(
      'billing',
      {},
      {
        invert: (_, field, value) => ({
          values: new Map([
            [field, value as string],
            ['currency', 'GBP'],
          ]),
          also: ['currency'],
        }),
      },
    )
    const codes = (mapping: typeof lossy) =>
      plan(
        { name: 'Ada Ltd' },
        { name: fromErp },
        {
          target: directTarget('billing', 'BILLING', { mapping }),
          records: [record({ name: 'Ada', currency: 'USD' })],
        },
      ).flatMap((w) => [w.values, ...w.refused.map((r) => r.code)])
    assert.deepEqual(codes(lossy), [{}, 'NOT_INVERTIBLE'])
    assert.deepEqual(codes(beside), [{}, 'CHANGES_OTHERS'])
    // A full name that follows its parts has the golden value then.
    const golden = { name: 'Ada Ltd', currency: 'GBP' }
    const [write] = plan(
      golden,
      { name: fromErp, currency: fromBilling },
      {
        target: directTarget('billing', 'BILLING', { mapping: beside }),
        records: [record({ name: 'Ada', currency: 'USD' })],
      },
    )
    assert.deepEqual(write?.values, { name: 'Ada Ltd', currency: 'GBP' })
  })
})

test('an update replaces nothing in the place of the golden id, unless the configuration says so', () => {
  const abilityOf = () => ({
    ...{ goldenId: 'paymentTerms', given: {}, needs: [], empties: true, refusalOf: () => null },
  })
  const target = directTarget('billing', 'BILLING', {
    mapping: directMapping('billing', {}, { abilityOf }),
  })
  const held = (paymentTerms: string | null) => ({
    records: [record({ name: 'Ada', paymentTerms })],
  })
  const wished = { name: 'Ada Ltd', paymentTerms: goldenId }
  const origin = { name: fromErp, paymentTerms: fromErp }
  const [write, refusal] = plan(wished, origin, { target, ...held('ACME-7') })
  assert.deepEqual(write?.values, { name: 'Ada Ltd' })
  assert.deepEqual(refusal?.refused, [
    {
      field: 'paymentTerms',
      code: 'GOLDEN_ID_TAKEN',
      detail:
        'Customer B1 of billing holds "ACME-7" in paymentTerms, the place of its golden id, which no write replaces: empty it there, or set goldenIds: replace in write:',
    },
  ])
  const replaces = { ...target, replacesGoldenIds: true }
  for (const more of [
    { target, ...held(null) },
    { target: replaces, ...held('ACME-7') },
  ])
    assert.deepEqual(
      plan(wished, origin, more).map((w) => w.values),
      [wished],
    )
})

describe('a create', () => {
  const values = { name: 'Ada Ltd', currency: 'EUR', lifecycle: 'CUSTOMER' }
  const origin = { name: fromErp, currency: fromErp }

  test('has all listed fields where the golden record meets `when:` and has no record', () => {
    const [write] = plan(values, origin)
    assert.deepEqual(
      [write?.operation, write?.values],
      ['CREATE', { name: 'Ada Ltd', currency: 'EUR' }],
    )
    assert.deepEqual(plan({ ...values, lifecycle: 'LEAD' }, origin), [])
    assert.deepEqual(plan(values, origin, { isBeingCreated: true }), [])
  })

  test('of a record that the system deleted asks a person first', () => {
    const given = { former: 'B9' }
    const [write] = plan(values, origin, given)
    assert.deepEqual([write?.values, write?.refused[0]?.code], [{}, 'HAD_A_RECORD'])
    const released = done('', null, { state: 'REFUSED', isReleased: true, isClosed: true })
    const [after] = plan(values, origin, { ...given, historyOf: () => [released] })
    assert.equal(after?.values.name, 'Ada Ltd')
  })

  test('without a value that the system needs is refused', () => {
    const writes = plan({ currency: 'EUR', lifecycle: 'CUSTOMER' }, { currency: fromErp })
    assert.deepEqual(
      writes.flatMap((w) => w.refused.map((r) => r.code)),
      ['MISSING_VALUES'],
    )
  })

  test('has what each new record is given, and is refused for a thing that is otherwise', () => {
    const direct = directMapping('billing', {})
    const given = { kind: 'ORGANISATION' }
    const mapping: typeof direct = {
      ...direct,
      abilityOf: () => ({
        goldenId: null,
        given,
        needs: ['kind'],
        empties: true,
        refusalOf: () => null,
      }),
    }
    const target = directTarget('billing', 'BILLING', { mapping })
    const planned = (more: object) => plan({ ...values, ...more }, origin, { target })
    const [write] = planned({})
    assert.deepEqual(write?.values, { kind: 'ORGANISATION', name: 'Ada Ltd', currency: 'EUR' })
    assert.deepEqual(write?.former, { kind: null, name: null, currency: null })
    assert.equal(planned({ kind: 'ORGANISATION' })[0]?.refused.length, 0)
    assert.deepEqual(
      planned({ kind: 'PERSON' }).map((w) => [w.values, w.refused.map((r) => r.code)]),
      [[{}, ['NO_INVERSE', 'GIVEN_OTHERWISE']]],
    )
  })

  test('waits for the record of a reference, and says for which', () => {
    const contact = { name: 'Ada Lovelace', customer: erp }
    const customer = '22222222-2222-8222-a222-222222222222'
    const given = { type: 'Contact', goldenOf: () => customer }
    const [waits] = plan(contact, {}, given)
    assert.deepEqual([waits?.waitsFor, waits?.refused[0]?.code], [customer, 'WAITS_FOR_REFERENCE'])
    const there = [
      { key: recordKey('billing', 'Customer', 'B7'), object: 'Customer', sourceId: 'B7' },
    ]
    const [write] = plan(contact, {}, { ...given, recordsOf: () => there })
    assert.deepEqual(
      [write?.waitsFor, write?.values],
      [null, { name: 'Ada Lovelace', customer: 'B7' }],
    )
  })
})

describe('a field that the target changes back', () => {
  const again = (past: PastWrite[], name = 'Ada Ltd') =>
    plan(
      { name },
      { name: fromErp },
      {
        records: [record({ name: 'Ada' })],
        historyOf: () => past,
      },
    ).map((w) => [Object.keys(w.values), w.refused.map((r) => r.code), w.isStopped])

  test('is written three times, then refused once', () => {
    const thrice = [1, 2, 3].map(() => done('name', 'Ada Ltd'))
    assert.deepEqual(again(thrice.slice(1)), [[['name'], [], false]])
    assert.deepEqual(again(thrice), [[[], ['CHANGED_BACK'], false]])
    const refused = again(thrice)
    const [write] = plan(
      { name: 'Ada Ltd' },
      { name: fromErp },
      {
        records: [record({ name: 'Ada' })],
        historyOf: () => thrice,
      },
    )
    const exception = done('', null, { state: 'REFUSED', hash: write?.hash ?? '', changes: {} })
    assert.deepEqual(
      again([...thrice, exception]),
      refused.map(([v, r]) => [v, r, true]),
    )
    assert.deepEqual(again([...thrice, { ...exception, isReleased: true }]), [
      [['name'], [], false],
    ])
  })

  test('counts again for another value, but not without end', () => {
    const others = Array.from({ length: 20 }, (_, n) => done('name', `Ada ${n}`))
    assert.deepEqual(again(others.slice(1)), [[['name'], [], false]])
    assert.deepEqual(again(others), [[[], ['TOO_MANY_WRITES'], false]])
  })
})

test('the same write is not planned again after a refusal or three conflicts', () => {
  const planned = (past: PastWrite[]) =>
    plan(
      { name: 'Ada Ltd' },
      { name: fromErp },
      {
        records: [record({ name: 'Ada' })],
        historyOf: () => past,
      },
    )[0]
  const { hash } = planned([]) ?? { hash: '' }
  const conflict = done('name', 'Ada Ltd', { state: 'CONFLICT', hash })
  assert.equal(planned([conflict, conflict])?.isStopped, false)
  assert.equal(planned([conflict, conflict, conflict])?.isStopped, true)
  assert.equal(planned([{ ...conflict, state: 'REFUSED' }])?.isStopped, true)
  assert.equal(planned([{ ...conflict, state: 'REFUSED', hash: 'other' }])?.isStopped, false)
})
