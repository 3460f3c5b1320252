import { InvalidArgumentError } from 'commander'
import { faultOfReason, normalReason } from '../../../mdm/access/requestTexts.ts'

/** Returns a reason in the form in which the audit log stores it. */
export function parseReason(text: string): string {
  const reason = normalReason(text)
  const fault = faultOfReason(reason)
  if (fault) throw new InvalidArgumentError(`${fault}.`)
  return reason
}
