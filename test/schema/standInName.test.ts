import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStandInName } from '../../schema/standInName.ts'

test('distinguishes what stands in for a name from names', () => {
  for (const text of [
    'kasse@laden.example',
    '@laden.example',
    '+493012345678',
    'cus_NffrFeUfNV2Hib',
  ])
    assert.equal(isStandInName(text), true, text)
  for (const text of [
    'Amazon.com',
    '1&1',
    '3M',
    'p@ge Design',
    '@home AG',
    '4711',
    'cus_toms',
    'AT&T',
  ])
    assert.equal(isStandInName(text), false, text)
})
