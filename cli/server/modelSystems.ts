import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { SharedSystem, SharedWrite } from '../../demo/systems/sharedWorld.ts'
import { packagePath } from '../config/packagePath.ts'
import { askModels, CONTROL_FILE, MODEL_FOLDER } from './modelClient.ts'
import { type ModelControl, openModelControl } from './modelControl.ts'

export interface ModelSystems {
  /** The file of source systems with the models among them. */
  sources: string
  systems: readonly { name: string; url: string }[]
  writes: ModelWriteMode
  close(): Promise<void>
}

/** What is written to the models. */
export interface ModelWrites {
  mode: ModelWriteMode
  /** Whether customers that a model does not know are created in it. */
  creates: boolean
}

export const MODEL_WRITE_MODES = ['off', 'shadow', 'approve', 'on'] as const
export type ModelWriteMode = (typeof MODEL_WRITE_MODES)[number]

const companies = 40
const everyText = '3s'
/** The models begin again at each start: what is gone with the start before is found by a census. */
const censusText = '1m'

/**
 * Opens the model source systems of the demo beside this process, and writes a file of source
 * systems with them. They begin again at each start: what was changed in them is gone then. Throws if
 * another process runs models on the data directory.
 */
export async function openModelSystems(
  dataDir: string,
  writes: ModelWrites,
  sources: string = packagePath('config/sources.yaml'),
): Promise<ModelSystems> {
  if (await askModels(dataDir, { do: 'list' }))
    throw new Error(
      `model systems run on ${resolve(dataDir)} already: stop the other start first, or name another --data-dir`,
    )
  // Loaded here: a start without them does not wait for their modules.
  const { openSharedWorld } = await import('../../demo/systems/sharedWorld.ts')
  const folder = join(resolve(dataDir), MODEL_FOLDER)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const opened = await openSharedWorld(companies)
  let control: ModelControl | undefined
  const close = async () => {
    await control?.close()
    for (const { system } of opened) await system.close()
  }
  try {
    for (const { name, secrets } of opened)
      for (const [secret, text] of Object.entries(secrets))
        writePrivate(join(folder, `${name}.${secret}`), text)
    const file = join(folder, 'sources.yaml')
    writePrivate(file, withModels(readFileSync(sources, 'utf8'), dirname(sources), opened, writes))
    control = await openModelControl(opened)
    const { url, secret } = control
    writePrivate(join(folder, CONTROL_FILE), `${JSON.stringify({ url, secret })}\n`)
    return {
      sources: file,
      systems: opened.map(({ name, system: { url: at } }) => ({ name, url: at })),
      writes: writes.mode,
      close,
    }
  } catch (e) {
    await close()
    throw e
  }
}

/** Writes a file for its owner alone; a file that is there is replaced, never written through. */
function writePrivate(path: string, text: string): void {
  const part = `${path}.${process.pid}.part`
  writeFileSync(part, text, { mode: 0o600 })
  chmodSync(part, 0o600)
  renameSync(part, path)
}

/** Returns the text of a file of source systems with the models at its end. */
function withModels(
  text: string,
  folder: string,
  models: readonly SharedSystem[],
  writes: ModelWrites,
): string {
  const doc = parseDocument(text)
  const list = doc.get('sources', true)
  if (!isSeq(list)) throw new Error('the file of source systems has no list at sources:')
  for (const item of list.items) if (isMap(item)) resolvePaths(item, folder)
  for (const { name, role, trust, settings, secrets, objects, write } of models)
    list.add(
      doc.createNode({
        ...{ name, kind: name, role, trust },
        connection: {
          ...settings,
          ...Object.fromEntries(
            Object.keys(secrets).map((secret) => [secret, { file: `${name}.${secret}` }]),
          ),
          ...{
            objects: [...objects],
            every: everyText,
            census: censusText,
            privateAddresses: true,
          },
        },
        write: writeOf(write, writes),
      }),
    )
  doc.commentBefore = ` Written at each start with --systems: ${folder}/ with the model source systems.`
  return doc.toString({ lineWidth: 0 })
}

function writeOf({ update, create }: SharedWrite, { mode, creates }: ModelWrites): object {
  const made =
    creates && create
      ? {
          create: {
            when: { lifecycle: ['CUSTOMER'] },
            ...(create.length > 0 && { fields: [...create] }),
          },
        }
      : {}
  return { mode, Customer: { update: [...update], ...made } }
}

/** The file stands in another folder than the one it comes from. */
function resolvePaths(node: unknown, folder: string): void {
  if (!isMap(node)) return
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? key.value : null
    if (name === 'connection' || isMap(value)) resolvePaths(value, folder)
    else if (PATHS.has(String(name)))
      for (const one of isSeq(value) ? value.items : [value])
        if (isScalar(one) && typeof one.value === 'string' && !isAbsolute(one.value))
          one.value = resolve(folder, one.value)
  }
}
const PATHS = new Set(['mapping', 'codes', 'definition', 'file'])
