import { type RunningCommand, touchstone } from '../cli/process.ts'
import { ask } from '../gateway/gateway.ts'
import { type Delivery, type DeliveryAnswer, delivery, post } from './deliveries.ts'
import { eventually } from './eventually.ts'

/** Any JSON: tests read responses of any shape. */
// biome-ignore lint/suspicious/noExplicitAny: the shape differs from query to query
export type Json = any

export interface Running {
  command: RunningCommand
  /** URL of the GraphQL endpoint. */
  url: string
  /** Signs and posts one body. Throws if it is not accepted. */
  deliver(
    source: string,
    object: string | null,
    body: unknown,
  ): Promise<Delivery & { answer: DeliveryAnswer }>
  query(text: string, variables?: object): Promise<Json>
  /** Waits for the golden customer of a source record, optionally until `is` holds. */
  customer(
    system: string,
    id: string,
    fields: string,
    is?: (customer: Json) => boolean,
  ): Promise<Json>
  stop(): Promise<number | string>
}

/** Runs `npx touchstone start` without the demo world on a free port. */
export async function running(
  dir: string,
  env: Record<string, string> = {},
  ...flags: string[]
): Promise<Running> {
  const command = touchstone(['start', '--no-demo', '--port', '0', ...flags], dir, env)
  const [, url = ''] = await command.says(/GraphQL {6}(\S+)/)
  await command.says(/Stop with Ctrl-C/)
  return attach(command, url)
}

export function attach(command: RunningCommand, url: string): Running {
  const it: Running = {
    command,
    url,
    async deliver(source, object, body) {
      const d = delivery(source, object, typeof body === 'string' ? body : JSON.stringify(body))
      const answer = await post(url, d)
      if (answer.status !== 202)
        throw new Error(`${d.path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return { ...d, answer }
    },
    async query(text, variables = {}) {
      const { body } = await ask(url, text, { variables })
      if (body.errors) throw new Error(JSON.stringify(body.errors))
      return body.data
    },
    async customer(system, id, fields, is = () => true) {
      const object =
        system === 'salesforce' ? 'Account' : system === 'webshop' ? 'customers' : 'customer'
      const text = `query ($system: String!, $object: String!, $id: String!) {
        it: customerBySource(system: $system, object: $object, id: $id) { ${fields} } }`
      // biome-ignore lint/suspicious/noExplicitAny: see above
      let found: any
      await eventually(async () => {
        found = (await it.query(text, { system, object, id })).it
        return found !== null && is(found)
      })
      return found
    },
    async stop() {
      command.child.kill('SIGTERM')
      return await command.ended
    },
  }
  return it
}
