/**
 * Returns the environment for a process of a bench, with `more` added. The settings of the caller
 * are left out: with DATABASE_URL set, a bench would fill that database instead of its own.
 */
export function benchEnvironment(
  more: Readonly<Record<string, string>> = {},
): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(
    ([name]) => name !== 'DATABASE_URL' && !name.startsWith('TOUCHSTONE_'),
  )
  return { ...Object.fromEntries(own), ...more }
}
