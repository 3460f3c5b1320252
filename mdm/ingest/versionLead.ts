/**
 * How far a version may lead the time at which its message was received. A local time read as UTC
 * leads by up to 14 hours, and a clock set to the wrong day by 24 more; a larger lead is a fault.
 * Such a version would outrank everything the system states until then, so the record would be
 * frozen. Corrections have the same bound as messages: what was accepted once can be stated again.
 */
export const versionLeadHoursMax = 48

/** Returns true if a version, in microseconds since 1970, leads the time of receipt too far. */
export function leadsTooFar(versionMicros: number, receivedAt: Date): boolean {
  return versionMicros > (receivedAt.getTime() + versionLeadHoursMax * 3_600_000) * 1_000
}
