import { recordKey } from '../../../schema/recordKey.ts'

/**
 * The key of a source record: as it is given (golden ids too, which are keys), or of one named
 * system/object/id.
 */
export function recordKeyOf(given: string): string {
  const [system, object, ...id] = given.split('/')
  return system !== undefined && object !== undefined && id.length > 0
    ? recordKey(system, object, id.join('/'))
    : given
}
