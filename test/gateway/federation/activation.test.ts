import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStoredPolicy } from '../../../cli/config/policyFiles.ts'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { createSubgraphsInTurns, schemasOf } from '../../../subgraphs/all.ts'
import { manyTypes, withFile } from '../../fixtures/hostilePolicy.ts'
import { ask, testGateway } from '../gateway.ts'
import { longestTurnBelow } from '../longestTurn.ts'

test('other requests have their turn while the graph of a large policy is made and loaded', async (t) => {
  const it = await testGateway()
  t.after(() => it.gateway.close(0))
  const policy = parseStoredPolicy(withFile(manyTypes(16, 5)), null)
  schemasOf(policy)
  const made = await longestTurnBelow(1 / 4, () => createSubgraphsInTurns({ policy } as never))
  assert.ok(made.longest < made.all / 4, `${made.longest} of ${made.all} ms`)
  const subgraphs = schemasOf(policy)
  const supergraph = composeSupergraph(subgraphs)
  const loaded = await longestTurnBelow(2 / 3, () => it.gateway.reload(supergraph, subgraphs))
  assert.ok(loaded.longest < (loaded.all * 2) / 3, `${loaded.longest} of ${loaded.all} ms`)
  assert.equal((await ask(it.url, '{ __typename }')).status, 200)
})
