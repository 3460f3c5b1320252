/** Thrown for a file that cannot be read as what it seems; nothing of it has been yielded. */
export class FileError extends Error {
  override name = 'FileError'
}

/** Returns whether an error comes from the file system or from zlib: both have a number. */
export function isSystemError(e: unknown): e is Error {
  return e instanceof Error && 'errno' in e && typeof e.errno === 'number'
}

/** Returns the error of a file with its path. A mistake of the program stays what it is. */
export function withPath(path: string, e: unknown): unknown {
  return e instanceof FileError || isSystemError(e) ? new FileError(`${path}: ${e.message}`) : e
}
