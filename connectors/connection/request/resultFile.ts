import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/**
 * Bytes of a result that lies on the disk while its rows are read, after decompression. An answer
 * that is kept in memory has `answerBytesMax`.
 */
export const resultBytesMax = 8 * 1024 ** 3
const pieceBytes = 256 * 1024

/** A place on the disk for one result. It has no name, so a killed process leaves nothing. */
export interface ResultFile {
  bytesMax: number
  /** Replaces the content. */
  fill(chunks: AsyncIterable<Buffer>): Promise<void>
  /** Returns the content from the begin. */
  reader(): Readable
  close(): Promise<void>
}

/** Creates a file in the folder for temporary files that only this user may read. */
export async function createResultFile(bytesMax = resultBytesMax): Promise<ResultFile> {
  const dir = await mkdtemp(join(tmpdir(), 'touchstone-result-'))
  try {
    const handle = await open(join(dir, 'rows'), 'wx+', 0o600)
    // Streams of a handle close it, or keep it open for ever.
    async function* pieces() {
      for (let at = 0; ; ) {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(pieceBytes), 0, pieceBytes, at)
        if (bytesRead === 0) return
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    }
    return {
      bytesMax,
      async fill(chunks) {
        await handle.truncate(0)
        let at = 0
        for await (const chunk of chunks)
          for (let done = 0; done < chunk.length; ) {
            const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, at)
            done += bytesWritten
            at += bytesWritten
          }
      },
      reader: () => Readable.from(pieces(), { objectMode: false }),
      close: () => handle.close(),
    }
  } finally {
    await rm(dir, { recursive: true })
  }
}
