import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { buildSchema, Kind, NoUnusedFragmentsRule, parse, specifiedRules, validate } from 'graphql'
import { publishedText } from '../../../cli/server/operationStore.ts'
import { SENT_BY_CONSOLE } from '../../../cli/server/sentByConsole.generated.ts'
import { operationHash } from '../../../mdm/access/operations.ts'
import type { Sql } from '../../../mdm/db/database.ts'

/** No operation of the console is looked up in the database. */
const noDatabase = (() => {
  throw new Error('the database was asked')
}) as unknown as Sql

const namesIn = (text: string) =>
  parse(text).definitions.flatMap((d) =>
    d.kind === Kind.OPERATION_DEFINITION && d.name ? [d.name.value] : [],
  )

test('every operation that the console sends is a published one, without the database', async () => {
  for (const text of SENT_BY_CONSOLE)
    assert.equal(await publishedText(noDatabase, operationHash(text)), text)
  const names = new Set(SENT_BY_CONSOLE.flatMap(namesIn))
  const written = globSync('console/**/*.graphql').flatMap((f) => namesIn(readFileSync(f, 'utf8')))
  assert.deepEqual(
    written.filter((name) => !names.has(name)),
    [],
  )
  await assert.rejects(publishedText(noDatabase, operationHash('{ viewer { name } }')))
})

test('every operation that the console sends fits the graph, those for each golden type too', () => {
  const schema = buildSchema(readFileSync('supergraph.graphql', 'utf8'), { assumeValidSDL: true })
  const rules = specifiedRules.filter((rule) => rule !== NoUnusedFragmentsRule)
  for (const text of SENT_BY_CONSOLE)
    assert.deepEqual(validate(schema, parse(text), rules), [], text)
  for (const type of ['Customer', 'Contact', 'Product', 'Contract'])
    assert.ok(SENT_BY_CONSOLE.some((text) => namesIn(text).includes(`RecordOf${type}`)))
})
