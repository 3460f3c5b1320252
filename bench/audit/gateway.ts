import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type ConstDirectiveNode, Kind, parse } from 'graphql'
import { configFromEnv } from '../../cli/config/config.ts'
import { openLog } from '../../cli/observe/log.ts'
import { GATEWAY_CONFIG } from '../../cli/server/gatewayConfig.ts'
import { startGateway } from '../../gateway/gateway.ts'
import { internalTokens } from '../../gateway/identity/internal.ts'
import { openCallers } from '../../test/gateway/openCallers.ts'

// This gateway with its shipped settings, serving any supergraph; the supergraph gives the URLs of
// the subgraphs.
// node bench/audit/gateway.ts --port 4477 http://localhost:4200/mutations/supergraph

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string' } },
})
const supergraph = await (await fetch(positionals[0] ?? '')).text()

/** Name and url of each `@join__graph`. */
const services = new Map(
  parse(supergraph).definitions.flatMap((d) =>
    d.kind === Kind.ENUM_TYPE_DEFINITION && d.name.value === 'join__Graph'
      ? (d.values ?? []).flatMap((v) =>
          (v.directives ?? []).map((x) => [argument(x, 'name'), argument(x, 'url')] as const),
        )
      : [],
  ),
)

function argument({ arguments: given = [] }: ConstDirectiveNode, name: string): string {
  const value = given.find((a) => a.name.value === name)?.value
  return value?.kind === Kind.STRING ? value.value : ''
}

const config = configFromEnv([...GATEWAY_CONFIG, 'logLevel'])
const gateway = await startGateway({
  host: '127.0.0.1',
  port: Number(values.port ?? 4000),
  supergraph,
  subgraphs: [],
  services,
  internal: internalTokens(randomBytes(32).toString('base64url')),
  bounds: config,
  callers: openCallers(),
  log: openLog(config.logLevel, 'audit'),
})
process.once('SIGTERM', () => void gateway.close(1_000))
