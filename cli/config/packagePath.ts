import { fileURLToPath } from 'node:url'

/** A path inside this installation, wherever it is started from. */
export function ours(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}
