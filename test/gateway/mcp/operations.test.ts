import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isObjectType, parse, validate } from 'graphql'
import { packagePath } from '../../../cli/config/packagePath.ts'
import { publicSchema } from '../../../gateway/federation/publicSchema.ts'
import { TOOLS } from '../../../gateway/mcp/tools.ts'

test('the operation of every tool is valid in the graph, with one operation in each', () => {
  const schema = publicSchema(readFileSync(packagePath('supergraph.graphql'), 'utf8'))
  const goldenTypes = Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) && 'provenance' in type.getFields() ? [type.name] : [],
  )
  assert.deepEqual(goldenTypes.sort(), ['Contact', 'Contract', 'Customer', 'Product'])
  for (const tool of TOOLS) {
    const document = parse(tool.operation(goldenTypes))
    assert.equal(document.definitions.length, 1, tool.name)
    assert.deepEqual(
      validate(schema, document).map((e) => e.message),
      [],
      tool.name,
    )
  }
})
