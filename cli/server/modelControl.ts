import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import type { SharedSystem } from '../../demo/systems/sharedWorld.ts'

/** A request to the people who work in the model systems. */
export const modelRequestSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('list') }),
  z.strictObject({
    do: z.literal('show'),
    system: z.string(),
    object: z.string(),
    id: z.string().nullable(),
  }),
  z.strictObject({
    do: z.literal('change'),
    system: z.string(),
    object: z.string(),
    id: z.string().nullable(),
    fields: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    do: z.literal('remove'),
    system: z.string(),
    object: z.string(),
    id: z.string(),
  }),
])
export type ModelRequest = z.infer<typeof modelRequestSchema>

export const modelAnswerSchema = z.union([
  z.strictObject({ error: z.string() }),
  z.strictObject({
    systems: z.array(
      z.strictObject({
        name: z.string(),
        url: z.string(),
        objects: z.array(z.strictObject({ name: z.string(), records: z.number() })),
      }),
    ),
  }),
  z.strictObject({
    records: z.array(z.strictObject({ id: z.string(), deleted: z.boolean(), record: z.unknown() })),
  }),
])
export type ModelAnswer = z.infer<typeof modelAnswerSchema>

export interface ModelControl {
  url: string
  /** Callers send it as a bearer token. */
  secret: string
  close(): Promise<void>
}

const bodyBytesMax = 100_000

/** Listens on the loopback address for what people do in the model systems. */
export async function openModelControl(models: readonly SharedSystem[]): Promise<ModelControl> {
  const secret = randomBytes(32).toString('base64url')
  const expected = digest(`Bearer ${secret}`)
  const server = createServer((request, response) => {
    answerTo(request, expected, models).then(
      ({ status, answer }) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(answer))
      },
      () => request.destroy(),
    )
  })
  await new Promise<void>((started, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', started)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    secret,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function answerTo(
  request: IncomingMessage,
  expected: Buffer,
  models: readonly SharedSystem[],
): Promise<{ status: number; answer: ModelAnswer }> {
  const given = digest(request.headers.authorization ?? '')
  if (!timingSafeEqual(given, expected))
    return { status: 401, answer: { error: 'the secret is not that of this start' } }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw new Error('the request is too large')
    chunks.push(chunk)
  }
  try {
    const asked = modelRequestSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
    return { status: 200, answer: execute(asked, models) }
  } catch (e) {
    return { status: 400, answer: { error: e instanceof Error ? e.message : String(e) } }
  }
}

/** Throws an error for people where the request does not fit. */
function execute(asked: ModelRequest, models: readonly SharedSystem[]): ModelAnswer {
  if (asked.do === 'list')
    return {
      systems: models.map(({ name, system }) => ({
        ...{ name, url: system.url },
        objects: system.objects.map((object) => ({
          name: object,
          records: [...system.state(object).values()].filter((row) => !row.deleted).length,
        })),
      })),
    }
  const found = models.find((m) => m.name === asked.system)
  if (!found)
    throw new Error(
      `there is no model "${asked.system}"; there are ${models.map((m) => m.name).join(', ')}`,
    )
  const { system, name } = found
  const { object, id } = asked
  if (!system.objects.includes(object))
    throw new Error(`${name} has no object "${object}"; it has ${system.objects.join(', ')}`)
  const rowsOf = (wanted: string | null) =>
    [...system.state(object)]
      .filter(([key]) => wanted === null || key === wanted)
      .map(([key, { record, deleted }]) => ({ id: key, deleted, record }))
  if (id !== null && rowsOf(id).length === 0)
    throw new Error(`${name} has no ${object} with the id ${id}`)
  if (asked.do === 'show') return { records: rowsOf(id) }
  if (asked.do === 'remove') {
    system.remove(object, asked.id)
    return { records: rowsOf(asked.id) }
  }
  const idField = idFieldOf(system.state(object), object, name)
  const written = system.put(
    object,
    id === null ? asked.fields : { ...asked.fields, [idField]: id },
  )
  return { records: rowsOf(written) }
}

/** Returns the field that holds the id: the one whose value is the id of each record. */
function idFieldOf(
  rows: ReadonlyMap<string, { record: Record<string, unknown> }>,
  object: string,
  name: string,
): string {
  const [first] = rows
  if (!first) throw new Error(`${name} has no ${object} yet: create one without an id`)
  const [id, { record }] = first
  const [field] = Object.entries(record).find(([, value]) => String(value) === id) ?? []
  if (field === undefined) throw new Error(`${name}: records of ${object} do not hold their id`)
  return field
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
