import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readBody } from '../../gateway/http/body.ts'
import { bareExecutor } from './execute.ts'
import { reportUrl } from './subgraphs.ts'

// The gateway's planner and subgraphs behind a bare node:http server: no callers, rights, limits,
// cost, metrics or health.

const execute = await bareExecutor(process.argv[2] ?? '')
const server = createServer(async (req, res) => {
  const { query, variables } = JSON.parse(
    (await readBody(req, Number.MAX_SAFE_INTEGER)).toString('utf8'),
  )
  res
    .setHeader('content-type', 'application/json')
    .end(JSON.stringify(await execute(query, variables)))
})
server.listen(0, '127.0.0.1', () =>
  reportUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`),
)
