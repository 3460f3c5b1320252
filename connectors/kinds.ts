import { generic } from './generic/read.ts'
import type { Kind } from './kind.ts'
import { netsuite } from './netsuite/read.ts'
import { salesforce } from './salesforce/read.ts'
import { stripe } from './stripe/read.ts'

/** All kinds of source systems; a new one is a folder here and a line in this list. */
export const KINDS: readonly Kind[] = [salesforce, stripe, netsuite, generic]
