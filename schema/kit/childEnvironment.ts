import { ownValue } from './dictionary.ts'

/** Where the programs of the system are. npm puts folders of the project before them. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Returns the environment of a child process: these variables of ours, and those that `set` adds.
 * Ours holds the secrets of the installation and of the user who started it. A child that inherits
 * it shows them in /proc/PID/environ and to everything it starts. Every child process of the
 * product gets its environment here (test/cli/childProcesses.test.ts).
 */
export function childEnvironment(
  inherited: Iterable<string> = [],
  set: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const found = [...inherited].flatMap((name) => {
    const value = ownValue(env, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return { PATH: SYSTEM_PATH, ...Object.fromEntries(found), ...set }
}
