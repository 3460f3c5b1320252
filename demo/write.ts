import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { ownValue } from '../schema/kit/dictionary.ts'
import { webshopColumns } from './webshop.ts'
import { type WorldItem, type WorldOptions, worldItems } from './world.ts'

export interface ManifestFile {
  /** Path under the world's directory. */
  file: string
  source: string
  kind: string
  /** For rows, the source's name for the object; an events file has several. */
  object?: string
  format: 'events' | 'rows'
  rows: number
}

export interface Manifest {
  seed: number
  companies: number
  /** In sending order. */
  files: ManifestFile[]
}

/** Text buffered for one file before it is written. */
const bufferBytesMax = 256 * 1024

/** One file, written in large chunks; waits if the disk is slow. */
class Output {
  readonly #stream: WriteStream
  #text = ''
  #failure: Error | undefined
  lines = 0

  constructor(path: string, header?: string) {
    this.#stream = createWriteStream(path)
    this.#stream.on('error', (error) => {
      this.#failure = error
    })
    if (header !== undefined) this.#text = `${header}\n`
  }

  /** Returns true if the buffer is large enough to be written. */
  add(line: string): boolean {
    this.#text += `${line}\n`
    this.lines += 1
    return this.#text.length >= bufferBytesMax
  }

  async flush(): Promise<void> {
    if (this.#failure) throw this.#failure
    const text = this.#text
    this.#text = ''
    if (!this.#stream.write(text)) await once(this.#stream, 'drain')
  }

  async close(): Promise<void> {
    await this.flush()
    this.#stream.end()
    await once(this.#stream, 'close')
    if (this.#failure) throw this.#failure
  }
}

/** Returns one line of CSV, without its line break. */
const csvLine = (cells: readonly string[]) => stringify([cells]).slice(0, -1)

const order: readonly [source: string, kind: string, object: string | undefined][] = [
  ['salesforce', 'salesforce', 'Product2'],
  ['salesforce', 'salesforce', 'Account'],
  ['salesforce', 'salesforce', 'Contact'],
  ['salesforce', 'salesforce', 'Contract'],
  ['salesforce', 'salesforce', 'Opportunity'],
  ['salesforce', 'salesforce', undefined],
  ['stripe', 'stripe', undefined],
  ['netsuite', 'netsuite', undefined],
  ['webshop', 'generic', 'products'],
  ['webshop', 'generic', 'customers'],
  ['webshop', 'generic', 'contacts'],
  ['webshop', 'generic', 'contracts'],
]

const fileOf = (source: string, object: string | undefined) =>
  `${source}/${object === undefined ? 'events.ndjson' : source === 'webshop' ? `${object}.csv` : `${object}.ndjson`}`

const truthFiles = ['customers', 'contacts', 'products', 'contracts', 'deleted', 'dirt']

/**
 * Writes a world under `directory` in one pass, in constant memory. `progress` receives the number
 * of lines so far, every 10,000.
 */
export async function writeWorld(
  options: WorldOptions & { directory: string; progress?: (lines: number) => void },
): Promise<Manifest> {
  const { directory, progress } = options
  const outputs = new Map<string, Output>()
  const open = async (file: string, header?: string) => {
    const path = join(directory, file)
    await mkdir(dirname(path), { recursive: true })
    outputs.set(file, new Output(path, header))
  }
  for (const [source, , object] of order)
    await open(
      fileOf(source, object),
      source === 'webshop' && object ? ownValue(webshopColumns, object)!.join(',') : undefined,
    )
  for (const name of truthFiles) {
    await open(
      `truth/${name}.csv`,
      `source,object,id${name === 'deleted' ? '' : name === 'dirt' ? ',dirt' : ',entity'}`,
    )
  }
  let lines = 0
  for (const made of worldItems(options)) {
    for (const [file, line] of linesOf(made)) {
      const output = outputs.get(file)!
      // Waiting for each line would cost more than generating it.
      if (output.add(line)) await output.flush()
      lines += 1
      if (progress && lines % 10_000 === 0) progress(lines)
    }
  }
  for (const output of outputs.values()) await output.close()
  const manifest: Manifest = {
    seed: options.seed,
    companies: options.companies,
    files: order.map(([source, kind, object]) => {
      const file = fileOf(source, object)
      return {
        file,
        source,
        kind,
        ...(object === undefined ? {} : { object }),
        format: object === undefined ? 'events' : 'rows',
        rows: outputs.get(file)!.lines,
      }
    }),
  }
  await writeFile(join(directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return manifest
}

function linesOf(made: WorldItem): [file: string, line: string][] {
  if ('message' in made) {
    const { source, format, object, body } = made.message
    const file = fileOf(source, format === 'events' ? undefined : object)
    if (source !== 'webshop') return [[file, body]]
    const row = made.value as Record<string, string>
    return [
      [
        file,
        csvLine(ownValue(webshopColumns, object)!.map((column) => ownValue(row, column) ?? '')),
      ],
    ]
  }
  const { type, source, object, id, entity, dirt, deleted } = made.truth
  const key = [source, object, id]
  return [
    [`truth/${type}.csv`, csvLine([...key, entity])],
    ...(deleted ? [['truth/deleted.csv', csvLine(key)] as [string, string]] : []),
    ...(dirt.length > 0
      ? [['truth/dirt.csv', csvLine([...key, dirt.join(' ')])] as [string, string]]
      : []),
  ]
}
