import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { recordKey } from '../../schema/recordKey.ts'
import { type RunningCommand, touchstone } from '../cli/process.ts'
import { type Attack, SYSTEMS } from './attack.ts'
import { type HostileFile, hostileFile, recordsFile } from './files.ts'
import { peakMemoryMb } from './product.ts'
import type { System } from './records.ts'
import { inParallel } from './requests.ts'

/** A record that was sent, as one line of JSON. */
export interface Sent {
  system: System
  object: string
  id: string
  line: string
}

/** Loads large files of records of every kind of source; returns what was sent, by record key. */
export async function attackLoad(
  at: Attack,
  records: number,
  large: number,
): Promise<{ what: string; sent: Map<string, Sent> }> {
  const { product, source } = at
  const dir = join(product.dir, 'files')
  mkdirSync(dir, { recursive: true })
  const systems = SYSTEMS.filter((s) => records >= 1_000 || s === 'webshop' || s === 'stripe')
  const each = Math.ceil(records / systems.length)
  const sent = new Map<string, Sent>()
  const files = systems.map((system, n) => ({
    system,
    file: recordsFile(source, dir, `${system}.ndjson`, system, each, n === 0 ? large : 0),
  }))
  let stored = 0
  for (const { system, file } of files) {
    stored += await load(at, file)
    const object = file.args[3] ?? ''
    if (system === 'salesforce' || system === 'hooks') continue
    for (const line of readFileSync(file.path, 'utf8').split('\n')) {
      const id = plainId(line, system, object)
      if (id !== null) sent.set(recordKey(system, object, id), { system, object, id, line })
    }
  }
  return { what: `${stored} rows stored of ${files.length} files`, sent }
}

/** Returns the id of a row in which all values are texts and no name occurs twice; else null. */
function plainId(line: string, system: System, object: string): string | null {
  if (line === '' || line.length > 10_000) return null
  let row: Record<string, unknown>
  try {
    row = JSON.parse(line) as Record<string, unknown>
  } catch {
    return null
  }
  const name = system === 'webshop' ? WEBSHOP_IDS.get(object) : 'id'
  const id = name === undefined ? undefined : row[name]
  if (typeof id !== 'string' || !/^H-\d+$/.test(id)) return null
  return Object.values(row).every((v) => typeof v === 'string') &&
    line.split('":').length <= Object.keys(row).length + 1
    ? id
    : null
}

const WEBSHOP_IDS = new Map([
  ['customers', 'shop_customer_id'],
  ['contacts', 'contact_id'],
  ['products', 'article_no'],
  ['contracts', 'contract_ref'],
])

const memoryMbMax = 1_000

/** Loads a file with the command, and returns the number of stored rows. */
export async function load(at: Attack, file: HostileFile): Promise<number> {
  const { product, findings } = at
  const args = ['load', '--no-wait', ...file.args, file.path]
  const command = touchstone(args, product.dir, product.env)
  const peak = watchMemory(command)
  const code = await command.ended
  const output = command.output()
  const stored = Number(/([\d,]+) stored,/.exec(output)?.[1]?.replaceAll(',', '') ?? 0)
  at.accepted.count += stored
  const input = inputOf(file)
  if (code !== 0 && !(code === 1 && file.mayFail))
    findings.add(`load ended with ${code}`, input, output)
  if (/^\s+at .*\.ts:\d/m.test(output)) findings.add('load printed a stack', input, output)
  if (code === 1 && !/^(touchstone|error): /m.test(output))
    findings.add('load failed without a reason', input, output)
  if (peak() > memoryMbMax)
    findings.add('load took too much memory', input, `${Math.round(peak())} MB`)
  return stored
}

function inputOf(file: HostileFile): string {
  const head = `${file.args.join(' ')} ${file.path}`
  return statSync(file.path).size > 20_000
    ? head
    : `${head}\n${readFileSync(file.path).toString('latin1')}`
}

/** Watches the peak of a process's memory, in MB, until it has ended. */
export function watchMemory({ child }: RunningCommand): () => number {
  let peak = 0
  const timer = setInterval(() => {
    try {
      peak = Math.max(peak, peakMemoryMb(child.pid ?? 0))
    } catch {
      clearInterval(timer) // The process has ended.
    }
  }, 50)
  child.once('close', () => clearInterval(timer))
  return () => peak
}

/** Loads small files of any form. */
export async function attackFiles(at: Attack, count: number): Promise<string> {
  const dir = join(at.product.dir, 'odd')
  mkdirSync(dir, { recursive: true })
  const files = Array.from({ length: count }, (_, n) => hostileFile(at.source, dir, n))
  let stored = 0
  await inParallel(files, 2, async (file) => {
    stored += await load(at, file)
  })
  return `${count} odd files, ${stored} rows stored`
}
