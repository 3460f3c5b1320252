/** Thrown for a file that cannot be read as what it seems; nothing of it has been yielded. */
export class FileError extends Error {
  override name = 'FileError'
}
