const pieceBytes = 32 * 1024
/** Pieces that are asked for at once: 2 MB are under way, so the distance costs little. */
const piecesMax = 64

/**
 * Yields a file of `bytes` from pieces that are asked for ahead. `read` may return less than it was
 * asked for; nothing means the end.
 */
export async function* readPieces(
  bytes: number,
  read: (offset: number, length: number) => Promise<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  const asked: { offset: number; length: number; piece: Promise<Buffer> }[] = []
  let next = 0
  const ask = () => {
    while (asked.length < piecesMax && next < bytes) {
      const length = Math.min(pieceBytes, bytes - next)
      const piece = read(next, length)
      // A failure is seen when its turn comes; until then it must not count as unhandled.
      piece.catch(() => {})
      asked.push({ offset: next, length, piece })
      next += length
    }
  }
  ask()
  for (let first = asked.shift(); first; first = asked.shift()) {
    let { offset, length } = first
    for (let piece = await first.piece; ; piece = await read(offset, length)) {
      if (piece.length === 0) return
      yield piece
      offset += piece.length
      length -= piece.length
      if (length === 0) break
    }
    ask()
  }
}
