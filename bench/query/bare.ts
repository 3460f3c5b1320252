import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { createRuntime } from '../../gateway/execution/runtime.ts'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { readBody } from '../../gateway/http/httpAnswer.ts'
import { OperationContext } from '../../gateway/operation/operationContext.ts'
import { everyone, querySubgraphs, tell } from './subgraphs.ts'

// The gateway's planner and subgraphs behind a bare node:http server: no callers, rights, limits, cost, figures or health.

const most = Number.MAX_SAFE_INTEGER
const subgraphs = querySubgraphs(process.argv[2] ?? '')
const runtime = await createRuntime({
  supergraph: composeSupergraph(subgraphs),
  subgraphs,
  services: new Map(),
  bounds: {
    documentBytesMax: most,
    tokensMax: most,
    depthMax: most,
    aliasesMax: most,
    fieldsMax: most,
    costMax: most,
    bodyBytesMax: most,
    queryMsMax: 60_000,
  },
  log: pino({ level: 'silent' }),
  report: (e) => console.error(e),
})
const server = createServer(async (req, res) => {
  const { query, variables } = JSON.parse((await readBody(req, most)).toString('utf8'))
  const operation = new OperationContext({ correlationId: '', scopes: everyone })
  const { contextFactory, execute, schema } = runtime.getEnveloped({
    operation,
    correlationId: '',
  } as never)
  const document = runtime.documents.read(schema, query)
  if (!('definitions' in document)) throw new Error('the query is wrong')
  const args = { schema, document, variableValues: variables, contextValue: await contextFactory() }
  res.setHeader('content-type', 'application/json').end(JSON.stringify(await execute(args as never)))
})
server.listen(0, '127.0.0.1', () => tell(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`))
