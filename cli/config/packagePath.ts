import { fileURLToPath } from 'node:url'

/** Returns the absolute path of a file or folder of this package. */
export function packagePath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}

/** Where Node keeps compiled modules, in place of a shared folder that other users may write. */
export const compileCacheFolder = packagePath('node_modules/.cache/touchstone')
