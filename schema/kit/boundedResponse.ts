/**
 * Returns the response with a body that fails as soon as it has more than `bytesMax` bytes after
 * decompression. The rest is not read.
 */
export function boundedResponse(response: Response, bytesMax: number, bound = ''): Response {
  const { body, status, statusText, headers } = response
  if (!body) return response
  let bytes = 0
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength
        if (bytes > bytesMax)
          controller.error(new Error(`the response has more than ${bytesMax} bytes${bound}`))
        else controller.enqueue(chunk)
      },
    }),
  )
  return new Response(counted, { status, statusText, headers })
}

/**
 * Reads a response as text. Throws an Error if it has more than `bytesMax` bytes; `bound` names the
 * setting for the message. The signal of the request bounds the time.
 */
export async function boundedText(
  response: Response,
  bytesMax: number,
  bound = '',
): Promise<string> {
  return await boundedResponse(response, bytesMax, bound).text()
}
