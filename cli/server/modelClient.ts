import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { type ModelAnswer, type ModelRequest, modelAnswerSchema } from './modelControl.ts'

/** The folder in the data directory that holds what clients of the models need. */
export const MODEL_FOLDER = 'systems'
export const CONTROL_FILE = 'control.json'

const controlSchema = z.strictObject({ url: z.url(), secret: z.string() })
const JSON_TYPE = 'application/json'
const answerMsMax = 10_000

/**
 * Asks the process that runs the models of a data directory. Returns null if none does. Throws an
 * error for people where the request does not fit.
 */
export async function askModels(
  dataDir: string,
  request: ModelRequest,
): Promise<Exclude<ModelAnswer, { error: string }> | null> {
  const file = join(resolve(dataDir), MODEL_FOLDER, CONTROL_FILE)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (e) {
    if (e instanceof Error && 'code' in e && e.code === 'ENOENT') return null
    throw e
  }
  const { url, secret } = controlSchema.parse(JSON.parse(text))
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(answerMsMax),
  }).catch((e: Error) => {
    // The models were killed. After any other failure they may run, and may have made a change.
    if ((e.cause as { code?: unknown } | undefined)?.code === 'ECONNREFUSED') return null
    throw new Error(
      `the model systems on ${dataDir} do not respond at ${url} (${e.message}): stop the process that runs them; if there is none, remove ${file}`,
      { cause: e },
    )
  })
  // After a process that was killed, the port may be another program's.
  const isOther = response?.status === 401 || response?.headers.get('content-type') !== JSON_TYPE
  if (response === null || isOther) return null
  const answer = modelAnswerSchema.parse(await response.json())
  if ('error' in answer) throw new Error(answer.error)
  return answer
}
