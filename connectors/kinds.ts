import { existsSync, readdirSync } from 'node:fs'
import { generic } from './generic/read.ts'
import type { Kind } from './kind.ts'
import { netsuite } from './netsuite/read.ts'
import { salesforce } from './salesforce/read.ts'
import { stripe } from './stripe/read.ts'

/** Kinds whose messages need code. */
const WITH_CODE: readonly Kind[] = [salesforce, stripe, netsuite, generic]

/**
 * All kinds of source systems. A folder with mapping.yaml is a kind by its data alone; its events
 * are those that the mapping defines, else the events of the kind generic.
 */
export const KINDS: readonly Kind[] = [
  ...WITH_CODE,
  ...foldersWith('mapping.yaml')
    .filter((name) => !WITH_CODE.some((kind) => kind.name === name))
    .map((name): Kind => ({ ...generic, name, hasMapping: true })),
]

/** Returns the kind of a name, or null. */
export function findKind(name: string): Kind | null {
  return KINDS.find((kind) => kind.name === name) ?? null
}

/** Returns the names of the folders here that have the file, in their order. */
function foldersWith(file: string): string[] {
  const here = new URL('./', import.meta.url)
  return readdirSync(here, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/${file}`, here)))
    .map((entry) => entry.name)
    .sort()
}
