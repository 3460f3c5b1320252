import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsOf } from '../../../mdm/access/rowReaders.ts'
import { EVERYONE, UNBOUND } from '../../../mdm/access/rowRightsSql.ts'

test('compares legal entities in normal form and grants no reserved word', () => {
  const entities = (legalEntities: string[]) =>
    settingsOf({ legalEntities: true }, { legalEntities })?.entities
  assert.deepEqual(entities(['Schlo\u0308ssl\u00a0AG']), [EVERYONE, 'Schl\u00f6ssl AG'])
  assert.deepEqual(entities([UNBOUND, `${UNBOUND}\u200b`]), [EVERYONE])
  assert.equal(entities(['*']), undefined, 'no limit')
})
