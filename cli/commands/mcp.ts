import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { Command } from 'commander'
import { requireVariable, withConfig } from '../config/config.ts'
import { printError } from '../terminal/print.ts'
import {
  credentials,
  portOption,
  TOKEN_VARIABLE,
  tokenOption,
  webUrl,
} from './input/gatewayAddress.ts'

/** JSON-RPC code of an error of the server that the protocol does not define. */
const SERVER_ERROR = -32_000

interface Flags {
  url?: string
  port: number
  token?: string
  actor: string
  dataDir: string
}

interface Options extends Flags {
  url: string
}

export const command = withConfig(new Command('mcp'), ['dataDir'])
  .description(
    'serve the tools of a running gateway to an agent over standard input and output (MCP)',
  )
  .option(
    '--url <url>',
    'address of the gateway for agents (default: /mcp of the gateway of this machine at --port)',
    webUrl,
  )
  .addOption(portOption())
  .addOption(tokenOption())
  .option(
    '--actor <name>',
    'name of the agent at a gateway without authentication, so that you can approve what it proposes',
    'agent',
  )
  .addHelpText(
    'after',
    `
The agent has the rights of the token and no others. What it writes are proposals, which another person approves. The
gateway must serve agents: TOUCHSTONE_MCP=on, or no authentication.

Exit codes: 0 the client closed the standard input; 1 an error.

Examples:
  npx touchstone mcp
  TOUCHSTONE_TOKEN=tsk_... npx touchstone mcp --url https://touchstone.example/mcp`,
  )
  .action(async (flags: Flags, self: Command) => {
    requireVariable(self, 'token', TOKEN_VARIABLE)
    await serve({ ...flags, url: flags.url ?? `http://127.0.0.1:${flags.port}/mcp` })
  })

/**
 * Passes messages between the standard streams and the gateway, which checks and answers each. A
 * request that the gateway does not answer gets an error, so that the client does not wait for it.
 */
async function serve(options: Options): Promise<void> {
  const client = new StdioServerTransport()
  const gateway = new StreamableHTTPClientTransport(new URL(options.url), {
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers)
      headers.set('x-touchstone-actor', options.actor)
      for (const [name, value] of Object.entries(credentials(options))) headers.set(name, value)
      return await fetch(url, { ...init, headers })
    },
  })
  const pending = new Set<Promise<void>>()
  client.onmessage = (message) => {
    const sent: Promise<void> = forward(message).finally(() => pending.delete(sent))
    pending.add(sent)
  }
  client.onerror = (e) => printError(`the client sent a line that is no message: ${e.message}`)
  gateway.onmessage = (message) => {
    // Later requests name the version that both agreed on.
    if ('result' in message && typeof message.result.protocolVersion === 'string')
      gateway.setProtocolVersion(message.result.protocolVersion)
    void client.send(message)
  }
  await gateway.start()
  const ended = new Promise<void>((resolve) => process.stdin.once('end', resolve))
  await client.start()
  await ended
  await Promise.all(pending)
  await gateway.close()
  await client.close()

  async function forward(message: JSONRPCMessage): Promise<void> {
    try {
      await gateway.send(message)
    } catch (e) {
      const why = `${options.url}: ${e instanceof Error ? e.message : String(e)}`
      printError(why)
      if ('method' in message && 'id' in message)
        await client.send({
          jsonrpc: '2.0',
          id: message.id,
          error: { code: SERVER_ERROR, message: why },
        })
    }
  }
}
