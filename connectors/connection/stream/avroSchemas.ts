import avsc from 'avsc'

/** A schema as the system gives it, and the decoder that it makes. */
export interface AvroSchema {
  schema: unknown
  decode(payload: Buffer): unknown
}

/** Schemas that are kept; each change of an object's fields makes another one. */
const schemasMax = 500

/** Keeps the schemas of a stream by their ids, which never change their meaning. */
export class AvroSchemas {
  readonly #known = new Map<string, AvroSchema>()
  readonly #load: (id: string) => Promise<string>

  constructor(load: (id: string) => Promise<string>) {
    this.#load = load
  }

  /** Returns a schema. Throws what loading it throws, and an Error for one that is none. */
  async get(id: string): Promise<AvroSchema> {
    const known = this.#known.get(id)
    if (known) return known
    const loaded = compileAvro(await this.#load(id))
    const [oldest] = this.#known.keys()
    if (this.#known.size >= schemasMax && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(id, loaded)
    return loaded
  }
}

/** Compiles an Avro schema. Throws an Error for one that is none. */
export function compileAvro(text: string): AvroSchema {
  const schema: unknown = JSON.parse(text)
  const type = avsc.Type.forSchema(schema as Parameters<typeof avsc.Type.forSchema>[0], {
    registry: { long: exactLong() },
  })
  return { schema, decode: (payload) => type.fromBuffer(payload) }
}

/** Numbers beyond 2^53 become texts, which lose no digit. */
function exactLong() {
  return avsc.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => {
      const value = bytes.readBigInt64LE()
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    },
    toBuffer: (value: number | string) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(BigInt(value))
      return bytes
    },
    fromJSON: (value: number | string) => value,
    toJSON: (value: number | string) => value,
    isValid: (value: unknown) => typeof value === 'number' || typeof value === 'string',
    compare: (a: number | string, b: number | string) => Number(BigInt(a) - BigInt(b)),
  })
}
