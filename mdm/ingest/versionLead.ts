/**
 * How far a version may lie after the time at which its message was received. A local time that is read as UTC leads by
 * up to 14 hours, a clock set to the wrong day by 24 more; a version beyond that is a mistake. It would outrank all that
 * the system says until then, so the record would stand still. Corrections have the same bound as messages: what was
 * accepted once can be stated again.
 */
export const versionLeadHoursMax = 48

/** Returns whether a version, in microseconds since 1970, lies too far after the time of receipt. */
export function leadsTooFar(versionMicros: number, receivedAt: Date): boolean {
  return versionMicros > (receivedAt.getTime() + versionLeadHoursMax * 3_600_000) * 1_000
}
