import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

/** Yields the file's bytes, unpacked where they begin with the signature of gzip. */
export async function* fileBytes(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  try {
    const iterator = file[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const first = await iterator.next()
    if (first.done) return
    const rest = rejoin(first.value, iterator)
    yield* first.value[0] === 0x1f && first.value[1] === 0x8b ? gunzip(rest) : rest
  } finally {
    file.destroy()
  }
}

async function* gunzip(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unpacked = createGunzip()
  // An error at either end destroys `unpacked`, so the loop below throws it; here it only must not
  // go unhandled.
  pipeline(Readable.from(packed), unpacked).catch(() => {})
  try {
    yield* unpacked as AsyncIterable<Buffer>
  } finally {
    unpacked.destroy()
  }
}

async function* rejoin<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    yield first
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
