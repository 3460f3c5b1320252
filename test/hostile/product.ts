import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { hmac, sign } from '../../connectors/signature.ts'
import { openDatabase, type Sql } from '../../mdm/db/database.ts'
import { type RunningCommand, runs, touchstone } from '../cli/process.ts'
import { databaseUrl } from '../faults/installation.ts'
import type { HostileDelivery } from './records.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The product under attack: its own process, its own embedded Postgres. */
export interface Product {
  origin: string
  command: RunningCommand
  sql: Sql
  dir: string
  /** Settings of commands that use the same store. */
  env: Record<string, string>
  /**
   * Lines of the log at the level error or above, and whatever is no log line on standard error.
   */
  errors(): string[]
  /**
   * The longest time in ms that the process did not answer, and when it began, since the last call.
   */
  longestPause(): Promise<{ ms: number; at: number }>
  stop(): Promise<number | string>
}

const HOOKS_SECRET = 'a secret of the hooks'

const SOURCES = `sources:
  - { name: salesforce, kind: salesforce, role: CRM, trust: 0.8, developmentSecret: whsec_ZGV2ZWxvcG1lbnQtc2FsZXNmb3JjZQ== }
  - { name: stripe, kind: stripe, role: BILLING, trust: 0.7, developmentSecret: whsec_development_stripe }
  - { name: netsuite, kind: netsuite, role: ERP, trust: 0.9, developmentSecret: whsec_ZGV2ZWxvcG1lbnQtbmV0c3VpdGU= }
  - { name: webshop, kind: generic, role: SUCCESS, trust: 0.4, developmentSecret: whsec_ZGV2ZWxvcG1lbnQtd2Vic2hvcA==, mapping: webshop.mapping.yaml }
  - { name: hooks, kind: generic, role: SUCCESS, trust: 0.3, developmentSecret: ${HOOKS_SECRET}, mapping: hooks.mapping.yaml }
`

/** The system in its own form of events, with a signature, headers and values of the whole body. */
const EVENTS = `
events:
  verify: { hmac: sha256, header: X-Signature, as: hex, over: [body] }
  messages: events[]
  key: id
  object: { from: [topic, $.header.X-Topic], map: { customers: customers, contacts: contacts, products: products, contracts: contracts } }
  operation: { from: action, map: { upsert: upsert, merge: merge, delete: delete, "*": upsert } }
  version: [at, $.body.kind]
  record: data
`

/** Starts the product in a folder, with sources of every kind. */
export async function startProduct(
  dir: string,
  env: Record<string, string> = {},
): Promise<Product> {
  const mapping = readFileSync(join(root, 'config/webshop.mapping.yaml'), 'utf8')
  writeFileSync(join(dir, 'sources.yaml'), SOURCES)
  writeFileSync(join(dir, 'webshop.mapping.yaml'), mapping)
  writeFileSync(join(dir, 'hooks.mapping.yaml'), mapping + EVENTS)
  const settings = {
    TOUCHSTONE_SOURCES: join(dir, 'sources.yaml'),
    TOUCHSTONE_LOG_LEVEL: 'warn',
    ...env,
  }
  const command = touchstone(['start', '--no-demo', '--port', '0'], dir, settings)
  const [, url = ''] = await command.says(/GraphQL {6}(\S+)/)
  await command.says(/Stop with Ctrl-C/)
  const { origin } = new URL(url)
  const sql = openDatabase(databaseUrl(dir), { name: 'hostile', connectionsMax: 2 })
  const probe = new Worker(new URL('./probe.ts', import.meta.url), { workerData: origin })
  return {
    origin,
    command,
    sql,
    dir,
    env: settings,
    errors: () => errorsIn(command.output()),
    longestPause: () =>
      new Promise((resolve) => {
        probe.once('message', resolve)
        probe.postMessage('report')
      }),
    async stop() {
      await sql.end()
      await probe.terminate()
      if (command.child.pid === undefined || !runs(command.child.pid)) return await command.ended
      command.child.kill('SIGTERM')
      return await command.ended
    },
  }
}

const error = 50

function errorsIn(output: string): string[] {
  return output.split('\n').filter((line) => {
    if (!line.startsWith('{')) return /^\s+at |Unhandled|FATAL|Error:/.test(line)
    try {
      return Number((JSON.parse(line) as { level?: unknown }).level) >= error
    } catch {
      return true // A line of the log that is no JSON is a fault of the log.
    }
  })
}

/** Returns the headers of a delivery, with a valid signature. */
export function signedHeaders(d: HostileDelivery, id: string): Record<string, string> {
  const signature =
    d.system === 'hooks'
      ? { 'x-signature': hmac(HOOKS_SECRET, [d.body]).toString('hex') }
      : sign(
          d.system === 'stripe' ? 'STRIPE' : 'STANDARD_WEBHOOKS',
          SECRETS[d.system],
          d.body,
          Date.now(),
          id,
        )
  return { 'content-type': 'application/json', ...signature, ...d.headers }
}

const SECRETS = {
  salesforce: 'whsec_ZGV2ZWxvcG1lbnQtc2FsZXNmb3JjZQ==',
  stripe: 'whsec_development_stripe',
  netsuite: 'whsec_ZGV2ZWxvcG1lbnQtbmV0c3VpdGU=',
  webshop: 'whsec_ZGV2ZWxvcG1lbnQtd2Vic2hvcA==',
}

/** Resident memory of a process in MB: its peak so far. */
export function peakMemoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}
