import { fileURLToPath } from 'node:url'

/** Returns the absolute path of a file or folder of this package. */
export function packagePath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}
