import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainPair } from '../../../../cli/commands/output/explainPair.ts'
import { matchBatch } from '../../../../mdm/match/batch.ts'
import type { MatchType } from '../../../../mdm/match/engine.ts'
import { priorParameters } from '../../../../mdm/match/parameters.ts'

const TYPE: MatchType = {
  name: 'Person',
  uniqueIn: [],
  fields: [
    { name: 'email', list: false, compare: { as: 'EMAIL' } },
    { name: 'city', list: false, compare: { as: 'CITY' } },
  ],
}

function explain(a: string, b: string): string {
  const record = (key: string, email: string, city: string) => ({
    key,
    source: 's',
    fields: { email, city },
  })
  const crowd = Array.from({ length: 60 }, (_, i) =>
    record(`crowd${i}`, 'welle@nordwind.example', `Town ${i}`),
  )
  const result = matchBatch(
    TYPE,
    [...crowd, record('ann', 'ann@hafen.example', 'Kiel'), record('bo', 'bo@wald.example', 'Ulm')],
    { parameters: priorParameters(TYPE) },
  )
  return explainPair(result, a, b).join('\n')
}

test('says that a pair was never compared, and why', () => {
  assert.match(explain('ann', 'bo'), /never compared: the two share no blocking key/)
  assert.match(
    explain('crowd1', 'crowd2'),
    /never compared: too many records share each blocking key/,
  )
})
